# shellcheck shell=bash
# Headers and libraries for true objects of ring and libopus, and for the link; sourced after lib.sh.
#
# Neither bionic's headers nor Apple's may be had without their SDKs. musl's stand in for bionic's, and the headers of
# Darwin's open part for Apple's, both out of the ziglang wheel. That makes a library whose links can be judged; it must
# never ship.

# shellcheck source=scripts/phones/smaller.sh
. "$PARTS/smaller.sh"

SYSROOT=$PHONES/sysroot
ZIGLANG=ziglang==0.17.1
ZIGLANG_DIGEST=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54

c_toolchain() {
    command -v cmake > /dev/null || die "absent: cmake, for libopus (apt-get install cmake)"
    python3 -m pip --version > /dev/null 2>&1 || die "absent: python3 with pip (apt-get install python3-pip)"
    compiler with-c
    exec 7> "$PHONES/sysroot.lock"
    flock 7
    if [ ! -e "$SYSROOT/.complete" ]; then
        rm -rf "$SYSROOT"
        headers
        android_sysroot
        ios_sysroot
        touch "$SYSROOT/.complete"
    fi
    toolchain_files
    flock -u 7
}

# Out of 100 MB of wheel only headers, libunwind and the list of what Apple's libSystem has.
headers() {
    local wheels=$PHONES/wheels
    rm -rf "$wheels"
    python3 -m pip download -q --no-deps --require-hashes -d "$wheels" \
        -r <(echo "$ZIGLANG --hash=$ZIGLANG_DIGEST") ||
        die "absent: $ZIGLANG from PyPI (needs python3-pip and an x86-64 host)"
    python3 - "$wheels"/ziglang-*.whl "$SYSROOT" <<'PYTHON'
import sys, zipfile
wheel, target = sys.argv[1:]
wanted = ("libc/", "libcxx/include/", "libunwind/")
archive = zipfile.ZipFile(wheel)
archive.extractall(target, [n for n in archive.namelist() if n.startswith(tuple("ziglang/lib/" + w for w in wanted))])
PYTHON
    rm -rf "$wheels"
}

android_sysroot() {
    local zig=$SYSROOT/ziglang/lib root=$SYSROOT/android
    local include=$root/usr/include lib=$root/usr/lib library source
    mkdir -p "$include/aarch64-linux-android" "$include/c++" "$lib"
    cp -r "$zig"/libc/include/{generic-musl,any-linux-any}/. "$include/"
    cp -r "$zig"/libc/include/{aarch64-linux-musl,aarch64-linux-any}/. "$include/aarch64-linux-android/"
    cp -r "$zig/libcxx/include" "$include/c++/v1"
    # bionic's name for it
    sed -i 's/__errno_location/__errno/g' "$include/errno.h"
    cp "$PARTS/libcxx-config" "$include/c++/v1/__config_site"
    # Empty: what they would give stays undefined in the library, and is held against android-imports.txt.
    for library in c m dl log aaudio android; do
        "$PHONES/bin/android-clang" -fuse-ld="$PHONES/bin/ld.lld" -shared -nostdlib -x c /dev/null \
            -Wl,-soname,lib$library.so -o "$lib/lib$library.so"
    done
    # The NDK links it statically into every library.
    local unwind=$zig/libunwind flags=() objects=$SYSROOT/unwind
    flags=(-fPIC -O2 -DNDEBUG -D_LIBUNWIND_IS_NATIVE_ONLY "-I$unwind/include" "-I$unwind/src")
    mkdir -p "$objects"
    for source in UnwindLevel1.c UnwindLevel1-gcc-ext.c UnwindRegistersRestore.S UnwindRegistersSave.S; do
        "$PHONES/bin/android-clang" "${flags[@]}" -c "$unwind/src/$source" -o "$objects/$source.o"
    done
    "$PHONES/bin/android-clang++" "${flags[@]}" -include "$include/c++/v1/__config_site" -std=c++17 \
        -fno-exceptions -fno-rtti -c "$unwind/src/libunwind.cpp" -o "$objects/libunwind.o"
    "$PHONES/bin/llvm-ar" rcs "$lib/libunwind.a" "$objects"/*.o
}

# Of libSystem's entries those for macOS are taken for iOS: the list of the open part is the same.
ios_sysroot() {
    local zig=$SYSROOT/ziglang/lib root=$SYSROOT/ios
    mkdir -p "$root/usr/lib"
    ln -sfn "$zig/libc/include/any-darwin-any" "$root/usr/include"
    sed -e 's/arm64e\.x1-[a-z]*/arm64-ios/g; s/arm64e-macos/arm64-ios/g; s/arm64e-maccatalyst/arm64-ios-simulator/g' \
        -e 's/arm64-macos/arm64-ios/g; s/arm64-maccatalyst/arm64-ios-simulator/g' \
        -e 's/x86_64-maccatalyst/arm64-ios-simulator/g; s/x86_64-macos/arm64-ios/g' \
        "$zig/libc/darwin/libSystem.tbd" > "$root/usr/lib/libSystem.tbd"
}

# How CMake, which builds libopus, finds the compilers.
toolchain_files() {
    cat > "$PHONES/android.cmake" <<CMAKE
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(ANDROID 1)
set(CMAKE_C_COMPILER $PHONES/bin/android-clang)
set(CMAKE_CXX_COMPILER $PHONES/bin/android-clang++)
set(CMAKE_AR $PHONES/bin/llvm-ar)
set(CMAKE_RANLIB $PHONES/bin/llvm-ranlib)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
CMAKE
    cat > "$PHONES/ios.cmake" <<CMAKE
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_OSX_SYSROOT $SYSROOT/ios)
set(CMAKE_C_COMPILER $PHONES/bin/ios-clang)
set(CMAKE_CXX_COMPILER $PHONES/bin/ios-clang++)
set(CMAKE_C_COMPILER_TARGET arm64-apple-ios15.0)
set(CMAKE_CXX_COMPILER_TARGET arm64-apple-ios15.0)
set(CMAKE_AR $PHONES/bin/llvm-ar)
set(CMAKE_RANLIB $PHONES/bin/llvm-ranlib)
set(CMAKE_INSTALL_NAME_TOOL /bin/true)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
CMAKE
}

# Cargo with true C compilers for "android" or "ios": release build of the shipped library as one kind of crate.
# `cargo rustc --crate-type`, since Cargo leaves link-time optimisation out where a library is also an rlib.
# Not stripped: the symbols say what the size is made of.
release_library() {
    local system=$1 kind=$2 target name upper
    shift 2
    target=$(triple "$system")
    name=${target//-/_} upper=$(tr 'a-z-' 'A-Z_' <<< "$target")
    local environment=("CC_$name=$PHONES/bin/$system-clang" "CXX_$name=$PHONES/bin/$system-clang++"
        "AR_$name=$PHONES/bin/llvm-ar" "RANLIB_$name=$PHONES/bin/llvm-ranlib"
        "CMAKE_TOOLCHAIN_FILE_$name=$PHONES/$system.cmake")
    case $system in
    android)
        environment+=("CARGO_TARGET_${upper}_LINKER=$PHONES/bin/android-link"
            "CARGO_TARGET_${upper}_RUSTFLAGS=-Csymbol-mangling-version=v0 -Clink-arg=-Wl,-z,max-page-size=16384 $SMALLER")
        ;;
    ios)
        environment+=(SDKROOT="$SYSROOT/ios" CMAKE="$PHONES/bin/cmake-ios" IPHONEOS_DEPLOYMENT_TARGET=15.0)
        ;;
    esac
    env "${environment[@]}" cargo rustc --locked --quiet --release -p sidetone-ffi --lib --crate-type "$kind" \
        --target "$target" "$BUILD_STD" --config profile.release.strip=false "$@"
}

# The library for Android with the back end whose code is Rust alone: oboe is C++ against headers that only the NDK has.
android_library() {
    release_library android cdylib --no-default-features --features aaudio
}

# The static library for iOS, and what an app's linker takes of it: all that the bindings call, and what that needs. Apple's
# frameworks are not here, so what the library does not have itself is left to be looked up.
IOS_LINKED=$PHONES/linked.dylib
IOS_LINK_REPORT=$PHONES/ios-link.txt
ios_library() {
    release_library ios staticlib || return
    "$PHONES/bin/ld64.lld" --error-limit=0 -dylib -arch arm64 -platform_version ios 15.0 18.0 -syslibroot "$SYSROOT/ios" \
        -dead_strip -exported_symbol '_uniffi_*' -exported_symbol '_ffi_*' -undefined dynamic_lookup \
        -force_load "$PHONES_TARGET/aarch64-apple-ios/release/libsidetone_ffi.a" -lSystem -o "$IOS_LINKED" \
        > "$IOS_LINK_REPORT" 2>&1 || { cat "$IOS_LINK_REPORT" >&2; return 1; }
}
