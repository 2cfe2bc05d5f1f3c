package org.attune.tensor.vector;

import jdk.incubator.vector.FloatVector;

/// The gated activation of rows of `2F` numbers, gates and then what they open:
/// ```
/// y = silu(g) · u,     silu(g) = g σ(g),     σ(g) = 1 / (1 + e⁻ᵍ)
/// ```
/// [Shazeer 2020, Eq. 6](https://arxiv.org/abs/2002.05202). Rounded between the two products, as
/// transformers does.
///
/// @param width `F`
public record SwigluKernel(int width) {
    /// Rows of an item of work.
    private static final int CHUNK = 8;

    private static final int LANES = Vectors.LANES;

    /// Bytes to work in.
    public long workBytes(int threads) {
        return threads * rowBytes();
    }

    private long rowBytes() {
        return (long) width * Float.BYTES;
    }

    /// @param gateUp `count` rows
    /// @param out its first `F` columns are written
    /// @param memory of [#workBytes]
    public void forward(Rows gateUp, Rows out, int count, long memory, int threads) {
        run(
                gateUp,
                count,
                memory,
                threads,
                (row, gates, sigmoids) -> open(gateUp.half(), gates, sigmoids, out.at(row, 0)));
    }

    /// Does the work of one row.
    private interface Row {
        /// @param gates address of its gates
        /// @param sigmoids address of their `σ`, float32
        void run(int row, long gates, long sigmoids);
    }

    private void run(Rows gateUp, int count, long memory, int threads, Row body) {
        KernelThreads.rows(
                threads,
                count,
                CHUNK,
                (thread, row) -> {
                    long gates = gateUp.at(row, 0);
                    long sigmoids = memory + thread * rowBytes();
                    sigmoids(gateUp.half(), gates, sigmoids);
                    body.run(row, gates, sigmoids);
                });
    }

    /// `σ(g)`, float32.
    private void sigmoids(boolean half, long gates, long sigmoids) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        for (int k = 0; k < width; k += LANES) {
            FloatVector s = Vectors.sigmoid(Vectors.load(half, gates + k * bytes));
            Vectors.store(s, sigmoids + (long) k * Float.BYTES);
        }
    }

    private void open(boolean half, long gates, long sigmoids, long out) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        long ups = gates + width * bytes;
        for (int k = 0; k < width; k += LANES) {
            long at = k * bytes;
            FloatVector sigmoid = Vectors.load(sigmoids + (long) k * Float.BYTES);
            FloatVector silu = Vectors.round(half, Vectors.load(half, gates + at).mul(sigmoid));
            Vectors.store(half, silu.mul(Vectors.load(half, ups + at)), out + at);
        }
    }

    /// Replaces gates and what they open by their gradients:
    /// ```
    /// dg = dy u σ(g) (1 + g (1 − σ(g))),     du = dy silu(g)
    /// ```
    ///
    /// @param dOut gradient of what [#forward] wrote
    /// @param gateUp its input; changed
    /// @param memory of [#workBytes]
    public void backward(Rows dOut, Rows gateUp, int count, long memory, int threads) {
        run(
                gateUp,
                count,
                memory,
                threads,
                (row, gates, sigmoids) ->
                        gradients(gateUp.half(), dOut.at(row, 0), gates, sigmoids));
    }

    private void gradients(boolean half, long dOut, long gates, long sigmoids) {
        long bytes = half ? Short.BYTES : Float.BYTES;
        long ups = gates + width * bytes;
        for (int k = 0; k < width; k += LANES) {
            long at = k * bytes;
            FloatVector sigmoid = Vectors.load(sigmoids + (long) k * Float.BYTES);
            FloatVector silu = Vectors.load(half, gates + at).mul(sigmoid);
            FloatVector d = Vectors.load(half, dOut + at);
            FloatVector u = Vectors.load(half, ups + at);
            Vectors.store(half, d.mul(silu), ups + at);
            // σ (1 + g (1 − σ)) = σ + silu (1 − σ) = σ + silu − silu σ
            FloatVector slope = sigmoid.add(silu).sub(silu.mul(sigmoid));
            Vectors.store(half, d.mul(u).mul(slope), gates + at);
        }
    }
}
