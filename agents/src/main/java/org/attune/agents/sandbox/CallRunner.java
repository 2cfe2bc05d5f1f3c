package org.attune.agents.sandbox;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/// A program of about 150 bytes, for the kernel to start: it reads a [CallList] from its input and
/// makes the calls, one after the other. A JVM can't do that itself, since the kernel lets only a
/// process with one thread enter another user namespace; and this starts fifty times as fast.
///
/// It lies in a file without a name, which ends with this process.
final class CallRunner implements AutoCloseable {
    /// Where its memory begins.
    static final long MEMORY_AT = 0x2000_0000L;

    /// How much there is of it. The kernel gives only what is used.
    static final long MEMORY = 64L << 20;

    private static final long CODE_AT = 0x1000_0000L;
    private static final int HEADER = 64;
    private static final int SEGMENT = 56;
    private static final int SEGMENTS = 3;
    private static final int PAGE = 0x10000; // the largest of both machines
    private static final int CLOSE_ON_EXEC = 1; // MFD_CLOEXEC

    /// The length from the input; as many bytes; then the calls. By lines of the source.
    private static final String ON_X86_64 =
            """
            31ff be00000020 ba08000000 31c0 0f05    read(0, 0x20000000, 8)
            bb00000020 488b2b 4883c308              rbp = length; rbx = where the rest goes
            31c0 31ff 4889de 4889ea 0f05            more: read(0, rbx, rbp)
            4885c0 7e5c                             nothing more: exit
            4801c3 4829c5 75e7                      until rbp = 0
            bb08000020                              rbx = first call
            488b7b08 488b3f                         next: rdi = argument 1
            488b7310 488b36                         rsi = argument 2
            488b5318 488b12                         rdx = argument 3
            4c8b5320 4d8b12                         r10 = argument 4
            4c8b4328 4d8b00                         r8 = argument 5
            4c8b4b30 4d8b09                         r9 = argument 6
            488b03 0f05                             the call
            488b4b38 488901                         keep its answer
            4885c0 7408 780c                        which is zero, below zero
            488b5b48 ebbd                           or above: rbx = its next
            488b5b40 ebb7                           zero: rbx = its next
            488b5b50 ebb1                           below: rbx = its next
            b8e7000000 bf01000000 0f05              exit_group(1)
            """;

    private static final String ON_AARCH64 =
            """
            d2a40013 d2800000 aa1303e1 d2800102
            d28007e8 d4000001                      x19 = 0x20000000; read(0, x19, 8)
            f8408674                               x20 = length; x19 += 8
            d2800000 aa1303e1 aa1403e2 d4000001    more: read(0, x19, x20)
            f100001f 5400036d                      nothing more: exit
            8b000273 eb000294 54ffff01             until x20 = 0
            d2a40013 91002273                      x19 = first call
            a9400268 a9410a61 a9421263 a9432665    next: number and addresses
            f9400000 f9400021 f9400042 f9400063
            f9400084 f94000a5                      arguments
            d4000001                               the call
            f9000120                               keep its answer
            f100001f 54000080 540000ab             which is zero, below zero
            f9402673 17fffff0                      or above: x19 = its next
            f9402273 17ffffee                      zero: x19 = its next
            f9402a73 17ffffec                      below: x19 = its next
            d2800bc8 d2800020 d4000001             exit_group(1)
            """;

    private final Kernel kernel;
    private final long file;

    private CallRunner(Kernel kernel, long file) {
        this.kernel = kernel;
        this.file = file;
    }

    /// @throws IOException if the system refuses a file without a name
    static CallRunner make(Kernel kernel) throws IOException {
        long file = kernel.memoryFile("attune-calls", CLOSE_ON_EXEC, program(kernel.machine()));
        return new CallRunner(kernel, file);
    }

    /// What starts it.
    String path() {
        return "/proc/%d/fd/%d".formatted(ProcessHandle.current().pid(), file);
    }

    /// An executable: its headers, code that can't be written, memory that can't be executed.
    static byte[] program(Machine machine) {
        byte[] code = code(machine);
        int begin = HEADER + SEGMENTS * SEGMENT;
        var whole = new byte[begin + code.length];
        ByteBuffer bytes = CallList.littleEndian(whole);
        bytes.put(new byte[] {0x7F, 'E', 'L', 'F', 2, 1, 1, 0});
        bytes.putLong(0);
        bytes.putShort((short) 2); // ET_EXEC
        bytes.putShort((short) (machine == Machine.X86_64 ? 62 : 183));
        bytes.putInt(1);
        bytes.putLong(CODE_AT + begin);
        bytes.putLong(HEADER);
        bytes.putLong(0).putInt(0);
        bytes.putShort((short) HEADER).putShort((short) SEGMENT).putShort((short) SEGMENTS);
        bytes.putShort((short) 0).putShort((short) 0).putShort((short) 0);
        segment(bytes, 1, 5, CODE_AT, bytes.capacity(), bytes.capacity()); // PT_LOAD, read, execute
        segment(bytes, 1, 6, MEMORY_AT, 0, MEMORY); // read, write
        segment(bytes, 0x6474E551, 6, 0, 0, 0); // PT_GNU_STACK
        bytes.put(code);
        return whole;
    }

    private static void segment(
            ByteBuffer bytes, int type, int rights, long at, long inFile, long inMemory) {
        bytes.putInt(type).putInt(rights);
        bytes.putLong(0).putLong(at).putLong(at);
        bytes.putLong(inFile).putLong(inMemory).putLong(PAGE);
    }

    private static byte[] code(Machine machine) {
        String source = machine == Machine.X86_64 ? ON_X86_64 : ON_AARCH64;
        var digits = new StringBuilder();
        source.lines().forEach(line -> digits.append(line.split(" {2,}")[0].replace(" ", "")));
        byte[] code = HexFormat.of().parseHex(digits);
        return machine == Machine.X86_64 ? code : turned(code);
    }

    /// Words are written as numbers, and lie in memory with their last byte first.
    private static byte[] turned(byte[] words) {
        var whole = new byte[words.length];
        ByteBuffer code = CallList.littleEndian(whole);
        ByteBuffer from = ByteBuffer.wrap(words);
        while (from.hasRemaining()) {
            code.putInt(from.getInt());
        }
        return whole;
    }

    @Override
    public void close() {
        kernel.close(file);
    }
}
