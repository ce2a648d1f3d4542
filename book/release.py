"""Pack the built site, and the executed notebooks with their results, each with its sha256."""

import argparse
import hashlib
import subprocess
import sys
import zipfile

from build import ROOT, commit

EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip can hold: the same files, the same zip


def refuse_unless_clean():
    """Leave where something is not committed: a release names the commit that made it."""
    command = ["git", "-C", str(ROOT), "status", "--porcelain"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{ROOT} is no git checkout: a release names the commit that made it.")
    if done.stdout.strip():
        sys.exit(
            "A release is made from a clean checkout; commit or put away first:\n" + done.stdout
        )


def pack(target, folders):
    """Zip folders under their names, whole or not at all, and write the digest beside it."""
    temporary = target.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as out:
        for name, folder in folders.items():
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                out.writestr(entry, path.read_bytes())
    temporary.replace(target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_name(f"{target.name}.sha256").write_text(f"{digest}  {target.name}\n")
    print(f"{target.relative_to(ROOT)}  {target.stat().st_size / 1e6:.1f} MB  sha256 {digest}")


def main():
    """Pack what `make book` has built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="demo", help="whose executed notebooks are packed")
    parser.add_argument("--check", action="store_true", help="only refuse an unclean checkout")
    options = parser.parse_args()
    refuse_unless_clean()
    if options.check:
        return
    built, out, name = ROOT / "_build", ROOT / "_build" / "release", f"facekp-{commit()}"
    out.mkdir(exist_ok=True)
    pack(out / f"{name}-site.zip", {"site": built / "html"})
    folders = {
        "notebooks": built / "executed" / options.profile,
        "results": built / "results" / options.profile,
        "reference": ROOT / "results" / "cpu",
    }
    pack(out / f"{name}-notebooks.zip", folders)


if __name__ == "__main__":
    main()
