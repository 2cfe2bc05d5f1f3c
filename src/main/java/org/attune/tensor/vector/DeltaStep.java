package org.attune.tensor.vector;

/// One new token of each of several sequences through a layer of linear attention, between its
/// projections: a short convolution and SiLU, queries and keys of length 1, decays, the gated delta
/// rule, and norms behind gates ([StateConvolution], [DeltaKernel] and [GatedNormKernel] compute
/// the same of many tokens). States are changed where they are. Each sequence and key head is an
/// item of work for a thread.
///
/// `H` heads of values, `k` features of a key, `v` of a value, `J` taps, `C` features of queries,
/// keys and values side by side.
///
/// @param keyHeads of which each serves as many of `heads`
/// @param keyDim a multiple of the vector's length
/// @param valueDim likewise
/// @param taps `J`
/// @param weights of the layer
/// @param epsilon of the lengths of queries and keys
/// @param normEpsilon of the norms behind the gates
public record DeltaStep(
        int keyHeads,
        int heads,
        int keyDim,
        int valueDim,
        int taps,
        Weights weights,
        double epsilon,
        double normEpsilon) {
    private static final int FLOAT = Float.BYTES;

    /// Weights, bfloat16 or float32.
    ///
    /// @param taps `(C, J)`, the present token's last
    /// @param decay `A`, `(1, H)`
    /// @param bias of the step, `(1, H)`
    /// @param norm `(1, v)`
    public record Weights(Rows taps, Rows decay, Rows bias, Rows norm) {}

    /// What a token is projected to, a row for each sequence, in one kind of numbers.
    ///
    /// @param mixed queries, keys and values, `(S, C)`
    /// @param gate `(S, H v)`
    /// @param write `b`, `(S, H)`
    /// @param step `a`, `(S, H)`
    public record Token(Rows mixed, Rows gate, Rows write, Rows step) {}

    /// States, a row for each slot; both are changed.
    ///
    /// @param inputs the convolution's last inputs, the oldest first, `(J - 1) C` in a row
    /// @param matrices float32, `H k v` in a row
    public record States(Rows inputs, Rows matrices) {}

    private int served() {
        return heads / keyHeads;
    }

    private int width() {
        return 2 * keyHeads * keyDim + heads * valueDim;
    }

    /// Bytes that [#run] works in.
    public long workBytes(int threads) {
        return sharedBytes() + threads * ownBytes();
    }

    /// Bytes of what all threads read.
    long sharedBytes() {
        return (long) FLOAT * (taps * width() + valueDim);
    }

    /// Bytes that a thread works in.
    long ownBytes() {
        return FLOAT * (2L * keyDim + (served() + 3L) * valueDim);
    }

    /// @param slots of the sequences
    /// @param out `(S, H v)`, written
    /// @param memory of [#workBytes]
    public void run(Token token, States states, int[] slots, Rows out, long memory, int threads) {
        share(0, 1, memory);
        long own = memory + sharedBytes();
        KernelThreads.run(
                threads,
                slots.length * keyHeads,
                (thread, item) -> {
                    int row = item / keyHeads;
                    int keyHead = item % keyHeads;
                    long work = own + thread * ownBytes();
                    run(token, states, row, slots[row], keyHead, out, memory, work);
                });
    }

    /// Writes a thread's part of what all threads read: taps by feature, weights in float32.
    ///
    /// @param memory of [#sharedBytes]
    void share(int thread, int threads, long memory) {
        for (int j = thread; j < taps; j += threads) {
            Rows column =
                    new Rows(
                            weights.taps().at(0, j),
                            weights.taps().stride(),
                            weights.taps().half());
            StateLoops.turn(column, width(), 1, memory + (long) j * width() * FLOAT);
        }
        if (thread == 0) {
            StateLoops.turn(weights.norm(), 1, valueDim, memory + (long) taps * width() * FLOAT);
        }
    }

    /// What a token is projected to, of rows in which all of it stands side by side.
    Token token(Rows projected) {
        int gate = width();
        int write = gate + heads * valueDim;
        return new Token(
                projected,
                from(projected, gate),
                from(projected, write),
                from(projected, write + heads));
    }

    private static Rows from(Rows rows, int column) {
        return new Rows(rows.at(0, column), rows.stride(), rows.half());
    }

    /// Computes one key head of one sequence.
    ///
    /// @param taps what threads shared
    /// @param memory of [#ownBytes]
    void run(
            Token token,
            States states,
            int row,
            int slot,
            int keyHead,
            Rows out,
            long taps,
            long memory) {
        long q = memory;
        long k = q + (long) keyDim * FLOAT;
        long values = k + (long) keyDim * FLOAT;
        long work = values + (long) served() * valueDim * FLOAT;
        long o = work + 2L * valueDim * FLOAT;
        int keys = keyHeads * keyDim;
        int key = keyHead * keyDim;
        int first = keyHead * served();
        long norm = taps + (long) this.taps * width() * FLOAT;
        Rows x = token.mixed();
        Rows inputs = states.inputs();
        int value = 2 * keys + first * valueDim;
        convolve(x, row, inputs, slot, key, keyDim, taps, q);
        convolve(x, row, inputs, slot, keys + key, keyDim, taps, k);
        convolve(x, row, inputs, slot, value, served() * valueDim, taps, values);
        toLength(q, 1 / Math.sqrt(keyDim));
        toLength(k, 1);
        for (int i = 0; i < served(); i++) {
            int head = first + i;
            long state = states.matrices().at(slot, head * keyDim * valueDim);
            long v = values + (long) i * valueDim * FLOAT;
            float share = (float) sigmoid(number(token.write(), row, head));
            step(state, decay(token, row, head), share, q, k, v, keyDim, valueDim, work, o);
            gate(token.gate(), row, head, o, norm, out);
        }
    }

    /// Convolves features, and moves the inputs on by a token.
    ///
    /// @param column of the first feature
    private void convolve(
            Rows x, int row, Rows inputs, int slot, int column, int count, long w, long to) {
        long bytes = (long) count * x.bytes();
        long own = x.at(row, column);
        long tap = w + ((taps - 1L) * width() + column) * FLOAT;
        ConvolutionLoops.product(x.half(), own, tap, count, to);
        for (int j = 0; j < taps - 1; j++) {
            long at = inputs.at(slot, j * width() + column);
            long other = w + ((long) j * width() + column) * FLOAT;
            ConvolutionLoops.add(x.half(), at, other, count, to);
            RowMoves.move(j == taps - 2 ? own : at + (long) width() * x.bytes(), at, bytes);
        }
        ConvolutionLoops.silu(to, count, to);
    }

    private void toLength(long head, double length) {
        double r = length / Math.sqrt(StateLoops.dot(head, head, keyDim) + epsilon);
        StateLoops.scale(head, (float) r, keyDim, head);
    }

    private void gate(Rows z, int row, int head, long o, long norm, Rows out) {
        double mean = StateLoops.dot(o, o, valueDim) / valueDim;
        float r = (float) (1 / Math.sqrt(mean + normEpsilon));
        int column = head * valueDim;
        long to = out.at(row, column);
        ConvolutionLoops.gate(z.half(), o, r, norm, z.at(row, column), valueDim, to);
    }

    /// `e^g`, with `g = - e^A softplus(a + c)`.
    private float decay(Token token, int row, int head) {
        double x = number(token.step(), row, head) + number(weights.bias(), 0, head);
        double softplus = Math.max(x, 0) + Math.log(1 + Math.exp(-Math.abs(x)));
        return (float) Math.exp(-Math.exp(number(weights.decay(), 0, head)) * softplus);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static double number(Rows rows, int row, int column) {
        return Vectors.number(rows.half(), rows.at(row, column));
    }

    /// A token of the delta rule, which reads the state once and changes it once:
    /// ```
    /// u = β (v - e^g kᵀ S),     o = e^g qᵀ S + (q · k) u,     S' = e^g S + k uᵀ
    /// ```
    ///
    /// @param state `(k, v)`, changed
    /// @param decay `e^g`
    /// @param share `β`
    /// @param work of two values
    /// @param o written
    static void step(
            long state,
            float decay,
            float share,
            long q,
            long k,
            long v,
            int keyDim,
            int valueDim,
            long work,
            long o) {
        long u = work + (long) valueDim * FLOAT;
        StateLoops.read(state, k, q, keyDim, valueDim, work, o);
        StateLoops.difference(v, work, decay, share, valueDim, u);
        StateLoops.scale(o, decay, valueDim, o);
        StateLoops.addScaled(u, StateLoops.dot(q, k, keyDim), valueDim, o);
        StateLoops.write(state, decay, k, u, keyDim, valueDim);
    }
}
