package org.attune.testing;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.PackedMatrix;
import org.attune.tensor.VectorKernels;
import org.junit.jupiter.api.Assumptions;

import java.util.function.BooleanSupplier;

/// What a test needs of the machine. What is absent skips the test with a message.
public final class Hardware {
    private Hardware() {}

    /// Products of packed bfloat16 matrices.
    public static void requireBfloat16Products() {
        require(
                "products of packed bfloat16 matrices",
                () -> PackedMatrix.isUseful(Device.cpu(), DType.BFLOAT16));
    }

    /// Kernels in vectors, for rows of these widths.
    public static void requireVectors(int... widths) {
        require(
                "kernels in vectors",
                () -> VectorKernels.serve(Device.cpu(), DType.FLOAT32, widths));
    }

    /// The C library's count of what it holds.
    public static void requireGlibc() {
        require("glibc's malloc, which tells what it holds,", ProcessMemory::isGlibc);
    }

    private static void require(String what, BooleanSupplier isThere) {
        if (!Engine.call(isThere::getAsBoolean)) {
            String message = "skipped: " + what + " must be there";
            System.out.println(message);
            Assumptions.abort(message);
        }
    }
}
