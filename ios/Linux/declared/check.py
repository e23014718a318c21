#!/usr/bin/env python3
"""Holds each declaration of the stand-ins for Apple's frameworks against what the SDK declares.

The truth are the crates objc2-call-kit, -push-kit, -avf-audio and -security, generated from Apple's headers. A
function or initialiser of a stand-in names its selector in a comment `// = selector:`; properties, enum cases with
their values, options and constants are found by the importer's naming rules. What the crates do not know says
`// = not there: why`. Swift spellings are the importer's and are not checked.
"""
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FRAMEWORKS = {"CallKit/CallKit.swift": "objc2-call-kit", "PushKit/PushKit.swift": "objc2-push-kit",
              "AVFAudio/AVAudioSession.swift": "objc2-avf-audio", "Security/Security.swift": "objc2-security",
              "UIKit/UIApplication.swift": "objc2-ui-kit"}
# Where the importer's name of a type is not the path of its nesting.
RENAMED = {"CXHandleHandleType": "CXHandleType",
           "CXPlayDTMFCallActionActionType": "CXPlayDTMFCallActionType",
           "CXErrorCodeIncomingCallErrorCode": "CXErrorCodeIncomingCallError",
           "CXErrorCodeRequestTransactionErrorCode": "CXErrorCodeRequestTransactionError"}


def crates():
    out = subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--manifest-path", HERE / "Cargo.toml"],
        check=True, capture_output=True, text=True).stdout
    for package in json.loads(out)["packages"]:
        folder = pathlib.Path(package["manifest_path"]).parent / "src" / "generated"
        if folder.is_dir():
            yield package["name"], "\n".join(file.read_text() for file in sorted(folder.glob("*.rs")))


def upper(name):
    return name.strip("`")[:1].upper() + name.strip("`")[1:]


class Check:
    def __init__(self, name, path, truth):
        self.name, self.path, self.truth = name, path, truth
        self.selectors = set(re.findall(r"method\(([^)]*?)(?:error:_)?\)", truth)) | {
            s.replace("error:_", "error:") for s in re.findall(r"method\(([^)]*)\)", truth)}
        self.constants = set(re.findall(r"pub (?:static|const|fn) (\w+)", truth))
        self.bad, self.good, self.absent = [], 0, []

    def value(self, kind, name):
        for block in re.findall(r"impl %s(?:: NSUInteger)? \{(.*?)\n(?:    )?\}" % kind, self.truth, re.S):
            found = re.search(r"(?:pub )?const %s(?:: Self)? = (?:Self\()?(0x[0-9a-f]+|\d+)" % name, block)
            if found:
                return int(found.group(1), 0)
        return None

    def judge(self, ok, line, why):
        if ok:
            self.good += 1
        else:
            self.bad.append(f"{self.name}:{line}: {why}")

    def run(self):
        nesting, depth = [], 0
        declaration = ""
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            text, _, note = line.partition("// = ")
            code = text.split("//")[0]
            opened = re.match(
                r"\s*(?:public |open )+(?:final )?(class|struct|enum|protocol) (\w+)(?:: (\w+))?", code)
            inside = nesting[-1] if nesting else None
            if inside and inside[0].startswith("Fake"):
                pass
            elif opened and opened.group(2).startswith("Fake"):
                pass
            elif re.match(r"\s*extension", code):
                nesting.append(("Fake", "extension", depth))
                depth += code.count("{") - code.count("}")
                continue
            else:
                self.line(number, code, note.strip(), inside, opened)
            if opened and code.count("{") > code.count("}"):
                path = "".join(n[0] for n in nesting) + opened.group(2)
                nesting.append((opened.group(2) if not path.startswith("Fake") else "Fake" + opened.group(2),
                                opened.group(1), depth))
            depth += code.count("{") - code.count("}")
            while nesting and depth <= nesting[-1][2]:
                nesting.pop()
            self.nesting = "".join(n[0] for n in nesting)
        return self

    nesting = ""

    def line(self, number, code, note, inside, opened):
        if note.startswith("not there"):
            self.absent.append(f"{self.name}:{number}: {note}")
            return
        if note:
            for token in note.split():
                self.judge(token in self.selectors or token in self.constants, number, f"{token} is not declared")
            return
        # Enum cases with values, also on the line that opens the enum.
        kind = self.nesting + (opened.group(2) if opened else "")
        kind = RENAMED.get(kind, kind)
        if re.search(r"\bcase ", code):
            for name, value in re.findall(r"(\w+) = (0x[0-9a-f_]+|\d+)", code):
                there = self.value(kind, upper(name))
                self.judge(there == int(value.replace("_", ""), 0), number,
                           f"{kind}.{name} is {there} in the SDK, not {value}")
            return
        option = re.search(r"static let `?(\w+)`? = (\w+Options)\(rawValue: (\w+)\)", code)
        if option:
            there = self.value(kind, upper(option.group(1)))
            self.judge(there == int(option.group(3), 0), number, f"{kind}.{option.group(1)} is {there} in the SDK")
            return
        constant = re.search(r"public static let `?(\w+)`?", code)
        if constant:
            name = kind + upper(constant.group(1))
            self.judge(name in self.constants, number, f"{name} is not declared")
            return
        known = re.match(r"public (?:let|func) (\w+)", code)
        if known:
            self.judge(known.group(1) in self.constants, number, f"{known.group(1)} is not declared")
            return
        if "rawValue" in code:
            return
        member = re.search(r"(?:public|open)(?: private\(set\)| internal\(set\))? (?:let|var) (\w+)", code)
        if member:
            self.judge(member.group(1) in self.selectors, number, f"no property {member.group(1)} of {kind}")
            return
        if re.search(r"\b(?:public |open )(?:class )?(?:func|init)", code) or (
                inside and inside[1] == "protocol" and re.match(r"\s+func ", code)):
            self.judge(False, number, "without a comment that names its selector")


def main():
    truth = dict(crates())
    failed = 0
    for file, crate in FRAMEWORKS.items():
        check = Check(file, HERE.parent / file, truth[crate]).run()
        for text in check.bad:
            print(f"declared: {text}", file=sys.stderr)
        for text in check.absent:
            print(f"declared: {text}")
        print(f"declared: {file}: {check.good} declarations are those of {crate}, {len(check.absent)} it does not know")
        failed += len(check.bad)
        if check.good < 5:
            print(f"declared: {file}: too few declarations were found to be true", file=sys.stderr)
            failed += 1
    sys.exit(1 if failed else 0)


main()
