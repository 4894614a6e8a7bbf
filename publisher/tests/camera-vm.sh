#!/bin/bash
# camera-vm.sh: run a command in a tiny virtual machine that has a camera, the kernel's own test driver vivid.
#
#   camera-vm.sh [options] [--] COMMAND [ARGS...]
#
# The guest sees the host's root file system (9p, read-only, under an overlay in memory): the same paths, programs and
# libraries work there, and what the command writes is gone afterwards, except in the shared folder. Its output and its
# exit code come back. LIVEDIR_CAMERA_VM=1 is set in the guest, and PATH has v4l2-ctl. Plain emulation: neither root
# nor KVM is needed. A boot takes about 5 s; the first run downloads Debian's kernel and a few tools (never installed).
#
#   -w DIR     folder shared read-write (default: the current one)
#   -t SEC     time limit for the whole run (default 180)
#   -d "ARGS"  arguments of the vivid module (default: one camera, with a metadata node beside it as USB cameras have)
#   -l "ARGS"  also a v4l2loopback device with these arguments, compiled on first use
#   -x "MODS"  more kernel modules, blank-separated (snd-aloop: a sound card)
#   -s N       processors (default 2)
#   -m MIB     memory (default 1024)
#   -k         keep the run's folder, with the guest's console.log, and say where it is
# Environment: CAMERA_VM_CACHE: where the kernel and tools are kept (default: camera-vm/ in cargo's target folder).
#              CAMERA_VM_ENV: names of variables that the guest's command gets too, blank-separated.
# Exit codes: that of the command; 77: this system is not one whose kernel can be had (Debian on x86-64);
#             124: time limit; 125: the machine did not run.
set -euo pipefail

log() { echo "camera-vm: $*" >&2; }
usage() { sed -n '2,22p' "$0" >&2; exit 2; }

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${CAMERA_VM_CACHE:-${CARGO_TARGET_DIR:-$project/target}/camera-vm}
shared=$PWD limit=180 extra= loopback=- cpus=2 memory=1024 keep=
vivid="n_devs=1 node_types=0x20001 num_inputs=1 input_types=0x0"
while getopts "w:t:d:l:x:s:m:k" option; do
  case $option in
    w) shared=$(readlink -f "$OPTARG") ;;
    t) limit=$OPTARG ;;
    d) vivid=$OPTARG ;;
    l) loopback=$OPTARG ;;
    x) extra=$OPTARG ;;
    s) cpus=$OPTARG ;;
    m) memory=$OPTARG ;;
    k) keep=1 ;;
    *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage

# ---- 1. what is needed ------------------------------------------------------------------------------------------
if [ "$(uname -sm)" != "Linux x86_64" ] || ! grep -qx 'ID=debian' /etc/os-release; then
  log "only Debian on x86-64 has the kernel package that the machine is made of"; exit 77
fi
need() { command -v "$1" >/dev/null || { log "$1 is missing; run: just setup"; exit 125; }; }
need qemu-system-x86_64; need dpkg; need apt-get; need xz; need flock
[ "$loopback" = - ] || { need make; need gcc; }

# ---- 2. cache: kernel, busybox, kmod and v4l-utils, unpacked and not installed ------------------------------------
tools=$cache/tools
tool_libraries=$tools/usr/lib/x86_64-linux-gnu:$tools/lib/x86_64-linux-gnu

download() { # packages into the current folder; an index that is cold or old is refreshed once
  apt-get download -qq "$@" 2>/dev/null || { apt-get update -qq && apt-get download -qq "$@"; }
}

prepare_kernel() {
  local started=$SECONDS kernel_package package compressed offset
  rm -rf "$cache"/{debs,kernel,tools,guestbin}
  mkdir -p "$cache"/{debs,kernel,tools,guestbin}; cd "$cache/debs"
  apt-cache show linux-image-amd64 >/dev/null 2>&1 || apt-get update -qq
  kernel_package=$(apt-cache depends linux-image-amd64 | awk '/Depends:/ { print $2; exit }')
  local packages=(busybox-static kmod libkmod2 v4l-utils libv4l-0 libv4l2rds0 libv4lconvert0 libjpeg62-turbo)
  download "$kernel_package" "${packages[@]}"
  dpkg -x "$kernel_package"_*.deb "$cache/kernel"
  for package in "${packages[@]}"; do dpkg -x "$package"_*.deb "$tools"; done
  cd "$cache"
  release=$(ls kernel/lib/modules); echo "$release" > release
  ln -sf kmod tools/bin/depmod; ln -sf kmod tools/bin/modprobe
  LD_LIBRARY_PATH=$tool_libraries tools/bin/depmod -b "$cache/kernel" "$release"
  # an uncompressed kernel boots at once, where the emulator would spend seconds in the xz decoder
  compressed=kernel/boot/vmlinuz-$release
  offset=$(LC_ALL=C grep -abo -m1 -P '\xFD7zXZ\x00' "$compressed" | head -1 | cut -d: -f1)
  tail -c +$((offset + 1)) "$compressed" | xz -dc --single-stream > vmlinux 2>/dev/null || true
  [ "$(head -c4 vmlinux | tail -c3)" = ELF ] || cp "$compressed" vmlinux
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "$tool_libraries" "$tools/usr/bin/v4l2-ctl" > guestbin/v4l2-ctl
  chmod 755 guestbin/v4l2-ctl
  rm -rf debs
  touch kernel-ready; log "kernel $release ready after $((SECONDS - started)) s"
}

prepare_loopback() { # compiled against the headers of that kernel
  local started=$SECONDS headers=$cache/headers base package
  base=${release%-amd64}
  local packages=("linux-headers-$release" "linux-headers-$base-common" "linux-kbuild-${release%%.0-*}" v4l2loopback-dkms)
  rm -rf "$headers" "$cache/v4l2loopback" "$cache/loopback-debs"; mkdir -p "$headers" "$cache/loopback-debs"
  cd "$cache/loopback-debs"
  download "${packages[@]}"
  for package in "${packages[@]}"; do dpkg -x "$package"_*.deb "$headers"; done
  sed -i "s#/usr/src/#$headers/usr/src/#" "$headers/usr/src/linux-headers-$release/Makefile"
  cp -r "$headers"/usr/src/v4l2loopback-* "$cache/v4l2loopback"
  make -s -C "$headers/usr/src/linux-headers-$release" M="$cache/v4l2loopback" modules > "$cache/v4l2loopback.log" 2>&1 ||
    { cat "$cache/v4l2loopback.log" >&2; exit 125; }
  rm -rf "$headers" "$cache/loopback-debs"
  touch "$cache/loopback-ready"; log "v4l2loopback ready after $((SECONDS - started)) s"
}

mkdir -p "$cache"
(
  flock 9
  [ -e "$cache/kernel-ready" ] || (prepare_kernel)
  release=$(cat "$cache/release")
  [ "$loopback" = - ] || [ -e "$cache/loopback-ready" ] || (prepare_loopback)
) 9> "$cache/lock" || { log "the machine's kernel or tools could not be downloaded or built"; exit 125; }
release=$(cat "$cache/release")
run=$(mktemp -d "$cache/run.XXXXXX")
finish() { if [ -n "$keep" ]; then log "run folder $run"; else rm -rf "$run"; fi; }
trap finish EXIT

# ---- 3. initial file system: busybox, the modules in the order of loading, the command ------------------------------
module_files() {
  LD_LIBRARY_PATH=$tool_libraries "$tools/bin/modprobe" -d "$cache/kernel" -S "$release" --show-depends "$@" |
    awk '/^insmod/ { print $2 }'
}
root=$run/root; mkdir -p "$root"/{bin,modules,proc,sys,dev,host,upper,merged}
cp "$tools/bin/busybox" "$root/bin/busybox"
: > "$root/module-order"
add_modules() {
  local file name
  for file in "$@"; do
    name=$(basename "$file")
    [ -e "$root/modules/$name" ] || { cp "$file" "$root/modules/$name"; echo "$name" >> "$root/module-order"; }
  done
}
for module in virtio_pci 9pnet_virtio 9p overlay virtio_console ${vivid:+vivid} $extra; do
  # shellcheck disable=SC2046
  add_modules $(module_files "$module")
done
if [ "$loopback" != - ]; then
  # shellcheck disable=SC2046
  add_modules $(module_files videodev) "$cache/v4l2loopback/v4l2loopback.ko"
fi
printf 'vivid=%q\nloopback=%q\nshared=%q\n' "$vivid" "$loopback" "$shared" > "$root/settings"
{
  echo '#!/bin/bash'
  for variable in PATH HOME LANG RUST_BACKTRACE RUST_LOG ${CAMERA_VM_ENV:-}; do
    [ -z "${!variable:-}" ] || printf 'export %s=%q\n' "$variable" "${!variable}"
  done
  printf 'export LIVEDIR_CAMERA_VM=1 PATH=%q:$PATH\ncd %q\nexec' "$cache/guestbin" "$PWD"
  printf ' %q' "$@"; echo
} > "$root/command"
cat > "$root/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev
. /settings
while read module; do
  case $module in
    vivid.ko) arguments=$vivid ;;
    v4l2loopback.ko) arguments=$loopback ;;
    *) arguments= ;;
  esac
  $b insmod /modules/$module $arguments || echo "insmod $module failed"
done < /module-order
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host || echo "no host folder"
$b mount -t tmpfs t /upper; $b mkdir -p /upper/upper /upper/work
$b mount -t overlay -o lowerdir=/host,upperdir=/upper/upper,workdir=/upper/work o /merged || echo "no overlay"
for folder in proc sys dev; do $b mount --bind /$folder /merged/$folder; done
$b mkdir -p /merged/dev/shm /merged/dev/pts
$b mount -t tmpfs t /merged/dev/shm; $b mount -t devpts t /merged/dev/pts; $b mount -t tmpfs t /merged/run
$b ln -sf /proc/self/fd /dev/fd
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=none shared "/merged$shared" || echo "no shared folder"
$b cp /command /merged/run/command; $b chmod 755 /merged/run/command
$b mkdir -p /answer; $b mount -t 9p -o trans=virtio,version=9p2000.L,cache=none answer /answer || echo "no answer folder"
$b hostname camera-vm; $b ifconfig lo 127.0.0.1 up
$b cut -d' ' -f1 /proc/uptime > /answer/ready_s
$b chroot /merged /run/command > /dev/vport0p1 2>&1 < /dev/null; code=$?
$b cut -d' ' -f1 /proc/uptime > /answer/ended_s; echo $code > /answer/code
$b sync; $b reboot -f
INIT
chmod 755 "$root/init" "$root/command"
(cd "$root" && find . | "$tools/bin/busybox" cpio -o -H newc 2>/dev/null) > "$run/initrd"
mkdir "$run/answer"

# ---- 4. boot ------------------------------------------------------------------------------------------------------
set +e
timeout --foreground "$limit" qemu-system-x86_64 \
  -M pc -accel tcg,thread=multi -cpu max -smp "$cpus" -m "$memory" \
  -nodefaults -no-user-config -no-reboot -display none -serial "file:$run/console.log" \
  -kernel "$cache/vmlinux" -initrd "$run/initrd" \
  -append "console=ttyS0 quiet loglevel=4 reboot=t panic=-1 tsc=reliable mitigations=off" \
  -device virtio-serial-pci -add-fd fd=3,set=1,opaque=out \
  -chardev file,id=o,path=/dev/fdset/1,append=on -device virtserialport,chardev=o,name=out \
  -fsdev local,id=h,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=h,mount_tag=host \
  -fsdev local,id=w,path="$shared",security_model=none,multidevs=remap -device virtio-9p-pci,fsdev=w,mount_tag=shared \
  -fsdev local,id=a,path="$run/answer",security_model=none -device virtio-9p-pci,fsdev=a,mount_tag=answer \
  3>&1 < /dev/null 2> "$run/qemu.err"
qemu_code=$?
set -e
if [ -e "$run/answer/code" ]; then
  log "ready after $(cat "$run/answer/ready_s") s, ended after $(cat "$run/answer/ended_s") s of the guest's clock"
  exit "$(cat "$run/answer/code")"
fi
if [ $qemu_code = 124 ]; then log "over the time limit of $limit s"; tail -5 "$run/console.log" >&2; exit 124; fi
log "the machine ended with $qemu_code, and gave no answer"; tail -20 "$run/console.log" "$run/qemu.err" >&2; exit 125
