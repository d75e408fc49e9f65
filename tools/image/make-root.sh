#!/bin/sh
# Puts together the root of the image, in the Dockerfile: Node without its symbols, the libraries that it is linked
# with, the few files that these look for, and what has to be said about all of them.
set -eu
root=$1

mkdir -p "$root/usr/local/bin" "$root/opt/twist" "$root/etc/twist" "$root/usr/share/doc/node" \
  "$root/usr/share/common-licenses" "$root/var/lib/dpkg/status.d"
mkdir -m 1777 "$root/tmp"

strip -o "$root/usr/local/bin/node" /usr/local/bin/node

: > packages
ldd /usr/local/bin/node | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
  # By its name: the package may know its folder as /lib, and the linker as /usr/lib.
  dpkg-query --search "*/$(basename "$library")" | cut -d : -f 1 | tr -d ' ' >> packages
done
sort -u packages | while read -r package; do
  dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\t${source:Package}\n' "$package"
  # Where scanners look for what an image without a package manager holds.
  dpkg-query --status "$package" > "$root/var/lib/dpkg/status.d/$package"
  mkdir -p "$root/usr/share/doc/$package"
  cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
done > packages.tsv

# The licenses that those files refer to, and no other.
cat "$root"/usr/share/doc/*/copyright | grep -o '/usr/share/common-licenses/[A-Za-z0-9.-]*[0-9A-Za-z]' | sort -u |
  while read -r license; do cp -L "$license" "$root$license"; done
cp /usr/local/LICENSE "$root/usr/share/doc/node/LICENSE"

# `twist --licenses` shows them as well: Node's, then those of the libraries and what they refer to.
notices=$(cd "$root" && find usr/share/doc/node usr/share/doc usr/share/common-licenses -type f | awk '!seen[$0]++ { printf "%s\"/%s\"", comma, $0; comma = "," }')
printf '#!/usr/local/bin/node\nglobalThis.TWIST_NOTICE_FILES = [%s];\nrequire("/opt/twist/twist.cjs");\n' "$notices" \
  > "$root/usr/local/bin/twist"
chmod 755 "$root/usr/local/bin/node" "$root/usr/local/bin/twist"

cp -L /etc/os-release "$root/etc/os-release"
printf 'root:x:0:0:root:/:/sbin/nologin\ntwist:x:1000:1000:twist:/var/lib/twist:/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\ntwist:x:1000:\n' > "$root/etc/group"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
printf '{}\n' > "$root/etc/twist/config.json"

node tools/image/image-sbom.mjs sbom.cdx.json packages.tsv > "$root/opt/twist/sbom.cdx.json"
