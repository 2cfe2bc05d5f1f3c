package org.attune.testing;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.DigitMatrix;
import org.attune.tensor.Engine;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.VectorKernels;
import org.attune.tensor.vector.Panels;
import org.junit.jupiter.api.Assumptions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/// What a test needs of the machine. What is absent skips the test with a message.
public final class Hardware {
    private static final long SIGINT = 1 << 1; // signal 2, as a bit of the kernel's masks

    private Hardware() {}

    /// Products of packed bfloat16 matrices.
    public static void requireBfloat16Products() {
        require(
                "products of packed bfloat16 matrices",
                () -> PackedMatrix.isUseful(Device.cpu(), DType.BFLOAT16));
    }

    /// Whether oneDNN may multiply bfloat16 in registers for tiles (AMX), in an order of sums that
    /// Attune's kernels don't follow.
    public static boolean hasTileRegisters() {
        Path processor = Path.of("/proc/cpuinfo");
        try {
            return Files.isReadable(processor) && Files.readString(processor).contains("amx_bf16");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Products of weights of 8 bits with float32 rows in digits.
    public static void requireByteProducts() {
        require(
                "products of bytes (AVX512-VNNI)",
                () -> DigitMatrix.isUseful(DType.FLOAT32, Panels.UNIT, Panels.UNIT));
    }

    /// Kernels in vectors, for rows of these widths.
    public static void requireVectors(int... widths) {
        require(
                "kernels in vectors",
                () -> VectorKernels.serve(Device.cpu(), DType.FLOAT32, widths));
    }

    /// A processor as the device of tests: kernels for it serve no GPU, nor the simulated one.
    public static void requireProcessor() {
        require("a processor as the tests' device", () -> !Devices.usual().isGpu());
    }

    /// The C library's count of what it holds.
    public static void requireGlibc() {
        require("glibc's malloc, which tells what it holds,", ProcessMemory::isGlibc);
    }

    /// SIGINT that reaches this process and its children: a shell has programs behind `&` ignore
    /// it, and they have theirs ignore it too.
    public static void requireInterrupts() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (Files.isReadable(status)
                && Files.readAllLines(status).stream()
                        .filter(line -> line.startsWith("SigIgn:"))
                        .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
                        .anyMatch(ignored -> (ignored & SIGINT) != 0)) {
            skip("SIGINT, which this process was started to ignore,");
        }
    }

    private static void require(String what, BooleanSupplier isThere) {
        if (!Engine.call(isThere::getAsBoolean)) {
            skip(what);
        }
    }

    private static void skip(String what) {
        String message = "skipped: " + what + " must be there";
        System.out.println(message);
        Assumptions.abort(message);
    }
}
