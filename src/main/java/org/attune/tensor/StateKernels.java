package org.attune.tensor;

import org.attune.tensor.vector.DeltaKernel;
import org.attune.tensor.vector.DeltaStep;
import org.attune.tensor.vector.GatedNormKernel;
import org.attune.tensor.vector.Rows;
import org.attune.tensor.vector.StateConvolution;

import java.util.List;

/// Kernels of our own for layers of linear attention, on processors. `N` rows, `H` heads of values,
/// `C` features of queries, keys and values side by side.
public final class StateKernels {
    private static final DType FLOAT32 = DType.FLOAT32;

    /// Below as many numbers of states a token is computed by one thread.
    private static final long STATES_WORTH_SHARING = 1L << 18;

    private StateKernels() {}

    /// A convolution over rows, SiLU, and queries and keys of length 1 ([StateConvolution]).
    ///
    /// @param taps float32 `(J, C)`, dense, the present token's last
    /// @param heads of queries, and of keys
    /// @param size of each
    /// @param epsilon ε
    /// @param before of each row the rows before it, the nearest first, `(J - 1, N)`; -1: none
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Convolution(Tensor taps, int heads, int size, double epsilon, int[][] before) {
        private StateConvolution kernel() {
            int width = Math.toIntExact(taps.size(1));
            return new StateConvolution(
                    width, heads, size, VectorKernels.address(taps), epsilon, before);
        }

        /// @param x `(N + …, C)`, the rows first
        /// @param rows `N`
        /// @return float32 `(N, C)`
        public Tensor forward(Tensor x, long rows) {
            long begun = OperatorTimes.begin();
            Tensor out = Tensor.empty(x.device(), FLOAT32, rows, taps.size(1));
            int n = Math.toIntExact(rows);
            kernel().forward(
                            VectorKernels.rows(x),
                            VectorKernels.rows(out),
                            n,
                            VectorKernels.threads(out));
            OperatorTimes.end("attune::state_convolution", begun);
            return out;
        }

        /// @param x what [#forward] was given
        /// @param d gradient of what it gave; changed
        /// @param dx gradient of `x`, written, `(N, C)`
        public void backward(Tensor x, Tensor d, Tensor dx) {
            StateConvolution kernel = kernel();
            int n = Math.toIntExact(d.size(0));
            int threads = VectorKernels.threads(d);
            var after = StateConvolution.Successors.of(before, n);
            VectorKernels.withMemory(
                    "attune::state_convolution_backward",
                    kernel.workBytes(threads),
                    memory -> {
                        kernel.backward(
                                VectorKernels.rows(x), VectorKernels.rows(d), n, memory, threads);
                        kernel.backwardInputs(
                                VectorKernels.rows(d),
                                after,
                                VectorKernels.rows(dx),
                                n,
                                memory,
                                threads);
                    });
        }
    }

    /// Norms of heads behind a gate ([GatedNormKernel]).
    ///
    /// @param weight float32 `(size)`, dense
    /// @param epsilon ε
    public record GatedNorm(Tensor weight, int heads, double epsilon) {
        private GatedNormKernel kernel() {
            int size = Math.toIntExact(weight.size(0));
            return new GatedNormKernel(heads, size, epsilon, VectorKernels.address(weight));
        }

        /// @param o float32 `(N, H v)`
        /// @param gate `(N, H v)`
        /// @param out its first columns are written, in the dtype of the gate
        public void forward(Tensor o, Tensor gate, Tensor out) {
            long begun = OperatorTimes.begin();
            kernel().forward(
                            VectorKernels.rows(o),
                            VectorKernels.rows(gate),
                            VectorKernels.rows(out),
                            Math.toIntExact(o.size(0)),
                            VectorKernels.threads(o));
            OperatorTimes.end("attune::gated_norm", begun);
        }

        /// @param d gradient of what [#forward] wrote
        /// @param dGate written, `(N, H v)`
        /// @return gradient of `o`, float32 `(N, H v)`
        public Tensor backward(Tensor d, Tensor o, Tensor gate, Tensor dGate) {
            long begun = OperatorTimes.begin();
            Tensor dO = Tensor.empty(o.device(), FLOAT32, o.shape());
            kernel().backward(
                            VectorKernels.rows(d),
                            VectorKernels.rows(o),
                            VectorKernels.rows(gate),
                            VectorKernels.rows(dGate),
                            VectorKernels.rows(dO),
                            Math.toIntExact(o.size(0)),
                            VectorKernels.threads(o));
            OperatorTimes.end("attune::gated_norm_backward", begun);
            return dO;
        }
    }

    /// What a recurrence put out.
    ///
    /// @param out values, float32 `(N, H v)`
    /// @param kept for [#deltaBackward], float32 `(N, H v)`, or null
    /// @param states likewise
    public record Delta(Tensor out, Tensor kept, Tensor states) {}

    /// The gated delta rule.
    ///
    /// @param qkv float32 `(N, C)`
    /// @param rates float32 `(N, 2 H)`, `g`, then `β`
    /// @param width `H v`
    /// @param before states before all spans, float32, dense; null: zeros
    /// @param after states behind them, written; null: not wanted
    /// @param backward whether there will be a backward pass
    public static Delta delta(
            DeltaKernel kernel,
            Tensor qkv,
            Tensor rates,
            int width,
            Tensor before,
            Tensor after,
            boolean backward) {
        Device device = qkv.device();
        long n = qkv.size(0);
        Tensor out = Tensor.empty(device, FLOAT32, n, width);
        Tensor kept = backward ? Tensor.empty(device, FLOAT32, n, width) : null;
        long numbers = kernel.stateBytes(backward) / FLOAT32.bytes();
        Tensor states = Tensor.empty(device, FLOAT32, numbers);
        var places =
                new DeltaKernel.States(
                        VectorKernels.address(states),
                        VectorKernels.orZero(before),
                        VectorKernels.orZero(after));
        int threads = threads(qkv, kernel);
        VectorKernels.withMemory(
                "attune::delta_rule",
                kernel.workBytes(threads),
                memory ->
                        kernel.forward(
                                VectorKernels.rows(qkv),
                                VectorKernels.rows(rates),
                                VectorKernels.rows(out),
                                backward ? VectorKernels.rows(kept) : null,
                                places,
                                memory,
                                threads));
        return new Delta(out, kept, backward ? states : null);
    }

    /// Gradients of what [#delta] was given, where it began with zeros.
    ///
    /// @param made what it gave
    /// @param dOut gradient of what it put out, float32 `(N, H v)`
    /// @param dQkv written, float32 `(N, C)`
    /// @param dRates written, float32 `(N, 2 H)`
    public static void deltaBackward(
            DeltaKernel kernel,
            Tensor qkv,
            Tensor rates,
            Delta made,
            Tensor dOut,
            Tensor dQkv,
            Tensor dRates) {
        int threads = threads(qkv, kernel);
        VectorKernels.withMemory(
                "attune::delta_rule_backward",
                kernel.backwardBytes(threads),
                memory ->
                        kernel.backward(
                                VectorKernels.rows(qkv),
                                VectorKernels.rows(rates),
                                VectorKernels.rows(made.kept()),
                                VectorKernels.address(made.states()),
                                VectorKernels.rows(dOut),
                                VectorKernels.rows(dQkv),
                                VectorKernels.rows(dRates),
                                memory,
                                threads));
    }

    /// A layer of linear attention without its projections.
    ///
    /// @param keyHeads of queries, and of keys
    /// @param epsilon of the lengths of queries and keys
    /// @param normEpsilon of the norms behind the gates
    /// @param weights dense: taps `(C, 1, J)`, `A` and the step's bias `(H)`, the norm's `(v)`
    public record DeltaLayer(
            int keyHeads, double epsilon, double normEpsilon, List<Tensor> weights) {
        DeltaStep step() {
            List<Rows> w = weights.stream().map(StateKernels::dense).toList();
            int heads = Math.toIntExact(weights.get(1).size(0));
            int valueDim = Math.toIntExact(weights.get(3).size(0));
            int keys = Math.toIntExact(weights.getFirst().size(0)) - heads * valueDim;
            return new DeltaStep(
                    keyHeads,
                    heads,
                    keys / (2 * keyHeads),
                    valueDim,
                    Math.toIntExact(weights.getFirst().size(2)),
                    new DeltaStep.Weights(w.get(0), w.get(1), w.get(2), w.get(3)),
                    epsilon,
                    normEpsilon);
        }
    }

    /// @param inputs of all slots, `(…, J - 1, C)`
    /// @param matrices of all slots, float32 `(…, H k v)`
    static DeltaStep.States states(Tensor inputs, Tensor matrices) {
        return new DeltaStep.States(dense(inputs), VectorKernels.rows(matrices));
    }

    /// One token of each of several sequences, from projections to what is projected back.
    ///
    /// @param token queries, keys and values, `(S, C)`, gates `(S, H v)`, `b` and `a`, `(S, H)`
    /// @param inputs of all slots, `(…, J - 1, C)`, changed
    /// @param matrices of all slots, float32 `(…, H k v)`, changed
    /// @param slots of the sequences
    /// @param out `(S, H v)`, written
    public static void deltaStep(
            DeltaLayer layer,
            List<Tensor> token,
            Tensor inputs,
            Tensor matrices,
            int[] slots,
            Tensor out) {
        var kernel = layer.step();
        long numbers = slots.length * matrices.size(1);
        int threads = numbers < STATES_WORTH_SHARING ? 1 : Engine.threads();
        List<Rows> rows = token.stream().map(VectorKernels::rows).toList();
        VectorKernels.withMemory(
                "attune::delta_step",
                kernel.workBytes(threads),
                memory ->
                        kernel.run(
                                new DeltaStep.Token(
                                        rows.get(0), rows.get(1), rows.get(2), rows.get(3)),
                                states(inputs, matrices),
                                slots,
                                VectorKernels.rows(out),
                                memory,
                                threads));
    }

    /// A row for each of the first axis.
    private static Rows dense(Tensor x) {
        long numbers = x.size() / Math.max(1, x.size(0));
        long row = numbers * x.dtype().bytes();
        return new Rows(VectorKernels.address(x), row, x.dtype() == DType.BFLOAT16);
    }

    private static int threads(Tensor qkv, DeltaKernel kernel) {
        return qkv.size() * kernel.features() < VectorKernels.PRODUCTS_WORTH_SHARING
                ? 1
                : Engine.threads();
    }
}
