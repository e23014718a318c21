# shellcheck shell=bash
# Compiling for phones on a Debian without an SDK, NDK or Xcode; sourced by the scripts that do it.
#
# rustup has the targets' standard libraries, but not every place that builds this reaches its servers. Debian has a
# newer rustc together with the sources of its std, from which `-Zbuild-std` builds them. It is unpacked, never installed, and
# rustup's cargo drives it. C and assembly come from ring and libopus: a check needs no true compiler for them
# (stub/), a link does (link.sh).

PHONES=${SIDETONE_PHONES_DIR:-$ROOT/.phones}
mkdir -p "$PHONES"
PHONES=$(cd "$PHONES" && pwd)
PARTS=$ROOT/scripts/phones
COMPILER=$PHONES/compiler
PHONES_TARGET=$PHONES/target

# shellcheck disable=SC2034  # for the scripts that source this
# What ships.
SHIPPED=(-p sidetone-ffi -p sidetone-driver)
# A profile with panic = "abort" needs panic_abort built as well. One list everywhere: another one rebuilds everything.
# shellcheck disable=SC2034
BUILD_STD=-Zbuild-std=std,panic_abort

die() { echo "${0##*/}: $*" >&2; exit 1; }
say() { echo "${0##*/}: $*" >&2; }

# apt with lists and a cache of its own, so that root is not needed; the mirrors are the host's.
apt_here() {
    local command=$1 apt=$PHONES/apt
    shift
    mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
    "$command" -qq -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# Unpacks Debian packages into a folder: unpack FOLDER PACKAGE[=VERSION]...
unpack() {
    local folder=$1 debs=$PHONES/debs
    shift
    rm -rf "$debs"
    mkdir -p "$debs" "$folder"
    (cd "$debs" && apt_here apt-get download "$@") || die "could not download $*"
    find "$debs" -name '*.deb' -print0 | xargs -0 -P2 -I{} dpkg-deb -x {} "$folder"
    rm -rf "$debs"
}

# The libraries that a package needs, directly or not, but for those that every system with a C compiler has.
libraries_of() {
    apt_here apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances "$1" | grep -E '^lib' | grep -vE "^(libc6|libgcc-s1|libstdc\+\+6|libcrypt1|$1)$" | sort -u
}

# The compiler with the sources of its std: `compiler` for checks, `compiler with-c` also clang and lld.
compiler() {
    local tool with_c=${1:-} version llvm
    for tool in apt-get dpkg-deb flock; do
        command -v $tool > /dev/null || die "absent: $tool (a Debian system)"
    done
    command -v cargo > /dev/null || die "absent: cargo (install Rust: rustup.rs)"
    command -v cc > /dev/null || die "absent: cc, for build scripts of crates (apt-get install build-essential)"
    exec 7> "$PHONES/compiler.lock"
    flock 7
    if [ ! -e "$COMPILER/.rust" ] || { [ -n "$with_c" ] && [ ! -e "$COMPILER/.c" ]; }; then
        apt_here apt-get update || die "apt-get update failed: is the Debian mirror in /etc/apt reachable?"
    fi
    if [ ! -e "$COMPILER/.rust" ]; then
        rm -rf "$COMPILER"
        version=$(apt_here apt-cache madison rustc-web | awk 'NR == 1 { print $3 }')
        [ -n "$version" ] || die "absent: rustc-web; it is in Debian 12's security archive, which /etc/apt does not name"
        local release=${version%%+*}
        llvm=$(apt_here apt-cache depends "libstd-rust-web-${release%.*}=$version" | grep -oE 'libllvm[0-9]+' | head -1)
        say "unpacking rustc $version into $COMPILER (0.9 GB)"
        unpack "$COMPILER" "rustc-web=$version" "libstd-rust-web-${release%.*}=$version" \
            "libstd-rust-web-dev=$version" "rust-web-src=$version" "$llvm" $(libraries_of "$llvm")
        echo "${llvm#libllvm}" > "$COMPILER/.llvm"
        touch "$COMPILER/.rust"
    fi
    LLVM=$(< "$COMPILER/.llvm")
    if [ -n "$with_c" ] && [ ! -e "$COMPILER/.c" ]; then
        say "unpacking clang and lld $LLVM (0.2 GB)"
        unpack "$COMPILER" "clang-$LLVM" "libclang-cpp$LLVM" "libclang-common-$LLVM-dev" "lld-$LLVM" "llvm-$LLVM"
        touch "$COMPILER/.c"
    fi
    # Every program of it is called through one wrapper, for it finds its libraries only by LD_LIBRARY_PATH.
    mkdir -p "$PHONES/bin"
    for tool in rustc rustdoc android-clang android-clang++ android-link ios-clang ios-clang++ ld.lld ld64.lld \
        llvm-ar llvm-ranlib llvm-nm llvm-readelf llvm-objdump llvm-strip cmake-ios; do
        ln -sfn "$PARTS/tool" "$PHONES/bin/$tool"
    done
    flock -u 7
    export RUSTC=$PHONES/bin/rustc RUSTDOC=$PHONES/bin/rustdoc
    # -Zbuild-std is for nightly compilers; this one is stable, and has the very sources that belong to it.
    export RUSTC_BOOTSTRAP=1
    export RUSTC_WORKSPACE_WRAPPER=$PARTS/deny-warnings
    export CARGO_TARGET_DIR=$PHONES_TARGET
    # Flags from outside would build everything anew.
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER
}

# The audio back ends that a system can have by cargo features of the shipped library; `default` where it has no choice.
back_ends() {
    local feature found=
    if [ "$1" = android ]; then
        for feature in aaudio oboe; do
            ! grep -qE "^$feature *=" ffi/Cargo.toml || { echo $feature; found=yes; }
        done
    fi
    [ -n "$found" ] || echo default
}

# "android" and the like to the triple.
triple() {
    case $1 in
    android) echo aarch64-linux-android ;;
    ios) echo aarch64-apple-ios ;;
    ios-sim) echo aarch64-apple-ios-sim ;;
    *) return 1 ;;
    esac
}
