package org.attune.tensor.vector;

import org.attune.tensor.vector.TokenStack.Attention;

/// One thread's attention in a run of a [TokenStack]: norms, rotation, the cache, and gates.
final class TokenHeads {
    private static final int HALF = Short.BYTES;

    private final TokenStack stack;
    private final AttentionShape shape;
    private final TokenMemory work;
    private final SharedBeginnings beginnings;
    private final int[] lengths;
    private final int thread;

    TokenHeads(
            TokenStack stack,
            TokenMemory work,
            SharedBeginnings beginnings,
            int[] lengths,
            int thread) {
        this.stack = stack;
        shape = stack.shape();
        this.work = work;
        this.beginnings = beginnings;
        this.lengths = lengths;
        this.thread = thread;
    }

    /// Norms all queries of a row together, and all keys.
    void normTogether(Attention a, Rows projected, int row) {
        int queries = shape.keys(0);
        norm(projected.at(row, 0), queries, a.queryNorm());
        norm(projected.at(row, queries), shape.values(0) - queries, a.keyNorm());
    }

    private void norm(long numbers, int count, long weights) {
        new NormKernel(count, stack.epsilon(), stack.offset(), weights)
                .forward(true, numbers, numbers, work.number(thread));
    }

    /// Computes one key/value head of one sequence.
    ///
    /// @param projected what the input is projected to; changed
    /// @param out its first columns are written, head by head
    void attend(Attention a, Rows projected, int row, int head, Rows out) {
        Rows rows = projected;
        if (a.gated()) {
            rows = work.heads();
            moveWithoutGates(projected, rows, row, head);
        }
        int size = shape.headDim();
        for (int g = 0; g < shape.groups(); g++) {
            int column = shape.queries(head) + g * size;
            normHead(a, rows.at(row, column), a.queryNorm());
            a.rotary().rotate(rows, row, column, a.rotary().scale(), false);
        }
        normHead(a, rows.at(row, shape.keys(head)), a.keyNorm());
        a.rotary().rotate(rows, row, shape.keys(head), 1, false);
        new DecodeKernel(shape, a.window())
                .attend(
                        rows,
                        a.cache(),
                        beginnings,
                        row,
                        head,
                        lengths[row],
                        out,
                        work.mixing(thread),
                        DecodeKernel.scoreBytes(work.longest()));
        for (int g = 0; a.gated() && g < shape.groups(); g++) {
            int column = shape.queries(head) + g * size;
            PanelLoops.shut(out.at(row, column), projected.at(row, 2 * column + size), size);
        }
    }

    private void normHead(Attention a, long head, long weights) {
        if (weights != 0 && !a.together()) {
            norm(head, shape.headDim(), weights);
        }
    }

    /// Moves a key/value head's queries, key and value to where they stand without gates.
    private void moveWithoutGates(Rows from, Rows to, int row, int head) {
        int size = shape.headDim();
        long bytes = (long) size * HALF;
        for (int g = 0; g < shape.groups(); g++) {
            int column = shape.queries(head) + g * size;
            RowMoves.move(from.at(row, 2 * column), to.at(row, column), bytes);
        }
        int gates = shape.keys(0); // as many columns as those of queries
        for (int column : new int[] {shape.keys(head), shape.values(head)}) {
            RowMoves.move(from.at(row, gates + column), to.at(row, column), bytes);
        }
    }
}
