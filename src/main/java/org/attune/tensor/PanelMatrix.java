package org.attune.tensor;

import org.attune.tensor.vector.Panels;

/// A bfloat16 matrix in the order in which [TokenPass] reads it. Changes of the original don't
/// reach the copy.
public final class PanelMatrix {
    private final Tensor memory;
    private final int out;
    private final int in;
    private final int columns;

    private PanelMatrix(Tensor memory, int out, int in, int columns) {
        this.memory = memory;
        this.out = out;
        this.in = in;
        this.columns = columns;
    }

    /// Whether there can be such for a layer.
    public static boolean fits(int out, int in) {
        return out % Panels.UNIT == 0 && in % Panels.UNIT == 0;
    }

    /// Numbers that a matrix takes in memory.
    ///
    /// @param more as of [#of]
    public static long numbers(int out, int in, int more) {
        return (long) out * (in + more);
    }

    /// Copies a matrix.
    ///
    /// @param matrix `(out, in)`, dense in a row; `out` a multiple of 32, `in` even
    /// @param more columns to leave room for, even
    /// @param memory of [#numbers]; is the copy's
    public static PanelMatrix of(Tensor matrix, int more, Tensor memory) {
        int out = Math.toIntExact(matrix.size(0));
        int in = Math.toIntExact(matrix.size(1));
        var panels = new PanelMatrix(memory, out, in, in + more);
        panels.fill(matrix, 0);
        return panels;
    }

    /// Copies the columns behind those of the matrix.
    ///
    /// @param matrix `(out, more)`, dense in a row
    public void fillMore(Tensor matrix) {
        fill(matrix, in);
    }

    private void fill(Tensor matrix, int first) {
        int threads = Engine.threads();
        int wide = Math.toIntExact(matrix.size(1));
        VectorKernels.withMemory(
                "attune::pack_panels",
                Panels.workBytes(wide, threads),
                work ->
                        Panels.pack(
                                VectorKernels.rows(matrix),
                                out,
                                wide,
                                address(),
                                first,
                                columns,
                                work,
                                threads));
    }

    /// Copies a matrix that multiplies from the right, `x matrixᵀ`, and has few rows.
    ///
    /// @param matrix `(R, in)`, contiguous; `in` even
    public static PanelMatrix narrow(Tensor matrix, TensorScope owner) {
        int out = Math.toIntExact(matrix.size(0));
        int in = Math.toIntExact(matrix.size(1));
        Tensor memory;
        try (var _ = TensorScope.open("panels")) {
            memory = owner.adopt(Tensor.empty(matrix.device(), matrix.dtype(), out, in));
        }
        var panel = new PanelMatrix(memory, out, in, in);
        VectorKernels.withMemory(
                "attune::pack_panels",
                Panels.workBytes(panel.in, 1),
                work ->
                        Panels.packNarrow(
                                VectorKernels.address(matrix),
                                panel.out,
                                panel.in,
                                panel.address(),
                                work));
        return panel;
    }

    int out() {
        return out;
    }

    int in() {
        return in;
    }

    int columns() {
        return columns;
    }

    long address() {
        return VectorKernels.address(memory);
    }

    /// Frees the copy before its owner ends.
    public void close() {
        memory.close();
    }
}
