package org.attune.agents.sandbox;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A processor's way to number the calls of Linux.
///
/// From `arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h` of Linux.
enum Machine {
    X86_64(0xC000003E),
    AARCH64(0xC00000B7);

    /// Name, number on x86-64, number on aarch64; − where there is none.
    private static final String NUMBERS =
            """
            close 3 57
            socket 41 198
            shmget 29 194
            shmat 30 196
            shmctl 31 195
            clone 56 220
            fork 57 -
            vfork 58 -
            execve 59 221
            kill 62 129
            semget 64 190
            msgget 68 186
            truncate 76 45
            chdir 80 49
            chmod 90 -
            chown 92 -
            lchown 94 -
            ptrace 101 117
            syslog 103 116
            setpgid 109 154
            setsid 112 157
            capset 126 91
            rt_sigqueueinfo 129 138
            utime 132 -
            uselib 134 -
            setpriority 141 140
            sched_setparam 142 118
            sched_setscheduler 144 119
            vhangup 153 58
            modify_ldt 154 -
            pivot_root 155 41
            prctl 157 167
            adjtimex 159 171
            chroot 161 51
            acct 163 89
            settimeofday 164 170
            mount 165 40
            umount2 166 39
            swapon 167 224
            swapoff 168 225
            reboot 169 142
            sethostname 170 161
            setdomainname 171 162
            iopl 172 -
            ioperm 173 -
            init_module 175 105
            delete_module 176 106
            quotactl 179 60
            setxattr 188 5
            lsetxattr 189 6
            removexattr 197 14
            lremovexattr 198 15
            tkill 200 130
            sched_setaffinity 203 122
            lookup_dcookie 212 18
            clock_settime 227 112
            tgkill 234 131
            utimes 235 -
            mq_open 240 180
            kexec_load 246 104
            add_key 248 217
            request_key 249 218
            keyctl 250 219
            ioprio_set 251 30
            migrate_pages 256 238
            openat 257 56
            fchownat 260 54
            futimesat 261 -
            fchmodat 268 53
            unshare 272 97
            move_pages 279 239
            utimensat 280 88
            rt_tgsigqueueinfo 297 240
            perf_event_open 298 241
            fanotify_init 300 262
            prlimit64 302 261
            name_to_handle_at 303 264
            open_by_handle_at 304 265
            clock_adjtime 305 266
            setns 308 268
            process_vm_readv 310 270
            process_vm_writev 311 271
            kcmp 312 272
            finit_module 313 273
            sched_setattr 314 274
            seccomp 317 277
            memfd_create 319 279
            kexec_file_load 320 294
            bpf 321 280
            userfaultfd 323 282
            pidfd_send_signal 424 424
            io_uring_setup 425 425
            io_uring_enter 426 426
            io_uring_register 427 427
            open_tree 428 428
            move_mount 429 429
            fsopen 430 430
            fsconfig 431 431
            fsmount 432 432
            fspick 433 433
            pidfd_open 434 434
            clone3 435 435
            close_range 436 436
            pidfd_getfd 438 438
            process_madvise 440 440
            mount_setattr 442 442
            quotactl_fd 443 443
            landlock_create_ruleset 444 444
            landlock_add_rule 445 445
            landlock_restrict_self 446 446
            memfd_secret 447 447
            process_mrelease 448 448
            fchmodat2 452 452
            setxattrat 463 463
            removexattrat 466 466
            open_tree_attr 467 467
            file_setattr 469 469
            """;

    private final int audit;
    private final Map<String, Integer> numbers = new HashMap<>();

    Machine(int audit) {
        this.audit = audit;
    }

    static {
        NUMBERS.lines()
                .map(line -> line.split(" "))
                .forEach(
                        part -> {
                            for (Machine machine : values()) {
                                String number = machine == X86_64 ? part[1] : part[2];
                                if (!number.equals("-")) {
                                    machine.numbers.put(part[0], Integer.valueOf(number));
                                }
                            }
                        });
    }

    /// The one this process runs on, if it is Linux on a processor whose numbers are known.
    static Optional<Machine> here() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return Optional.empty();
        }
        return switch (System.getProperty("os.arch").toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> Optional.of(X86_64);
            case "aarch64" -> Optional.of(AARCH64);
            default -> Optional.empty();
        };
    }

    /// How a filter of calls recognises it: `AUDIT_ARCH_…` of `linux/audit.h`.
    int audit() {
        return audit;
    }

    /// Whether it has a call of this name.
    boolean has(String call) {
        return numbers.containsKey(call);
    }

    /// The number of a call.
    ///
    /// @throws IllegalArgumentException if it has none of this name
    int number(String call) {
        Integer number = numbers.get(call);
        if (number == null) {
            throw new IllegalArgumentException("%s has no call %s".formatted(this, call));
        }
        return number;
    }
}
