package org.attune.model.layer;

import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.List;
import java.util.Optional;

/// Which rows of a pass follow which: spans of consecutive rows, each behind the last row of its
/// parent. A span without a parent begins a sequence, or goes on with one that was read before.
/// `N` rows, `S` spans without a parent.
///
/// Its tables live in the scope in which it is made.
public final class Succession {
    private final Device device;
    private final int rows;
    private final List<Span> spans;
    private final int depth;
    private final Tensor[] before; // (N) each
    private final Tensor last; // (S depth), or null
    private final Optional<Carried> carried;

    /// @param parent number of the parent span, which comes earlier, or -1
    /// @param start first row
    /// @param end one past the last row
    public record Span(int parent, int start, int end) {
        int size() {
            return end - start;
        }
    }

    /// @param rows `N`
    /// @param depth rows before a row that a convolution sees
    /// @param goesOn whether all spans go on with sequences that were read before, [#after]
    public Succession(Device device, int rows, List<Span> spans, int depth, boolean goesOn) {
        this.device = device;
        this.rows = rows;
        this.spans = List.copyOf(spans);
        this.depth = depth;
        carried = Optional.empty();
        before = new Tensor[depth];
        for (int back = 1; back <= depth; back++) {
            before[back - 1] = Tensor.of(device, rowsBefore(back, goesOn), rows);
        }
        last = goesOn && depth > 0 ? lastRows() : null;
    }

    private Succession(Succession other, Carried states) {
        device = other.device;
        rows = other.rows;
        spans = other.spans;
        depth = other.depth;
        before = other.before;
        last = other.last;
        carried = Optional.of(states);
    }

    /// The rows of a layer's pass behind what was read before.
    ///
    /// @param states of the layer, in the order of the spans
    public Succession after(Carried states) {
        return new Succession(this, states);
    }

    private long[] rowsBefore(int back, boolean goesOn) {
        long[] all = new long[rows];
        for (int s = 0; s < spans.size(); s++) {
            Span span = spans.get(s);
            for (int row = span.start(); row < span.end(); row++) {
                all[row] = row(s, row - span.start() - back, goesOn);
            }
        }
        return all;
    }

    private Tensor lastRows() {
        long[] all = new long[spans.size() * depth];
        for (int s = 0; s < spans.size(); s++) {
            for (int i = 0; i < depth; i++) {
                all[s * depth + i] = row(s, spans.get(s).size() - depth + i, true);
            }
        }
        return Tensor.of(device, all, all.length);
    }

    /// The rows, and what stands before them.
    ///
    /// @param x `(N, C)`
    /// @return `(N + …, C)`, whose rows [#before] names
    Tensor withContext(Tensor x) {
        if (depth == 0) {
            return x;
        }
        Tensor context =
                carried.map(c -> c.inputs().reshape((long) spans.size() * depth, x.size(1)))
                        .orElseGet(() -> Tensor.zeros(device, x.dtype(), 1, x.size(1)));
        return Tensor.cat(0, x, context);
    }

    /// For each row the one that stands `back` before it in its sequence, among those of
    /// [#withContext], `(N)`.
    Tensor before(int back) {
        return before[back - 1];
    }

    /// @param place in a span, or negative: so far before its first row
    private long row(int span, int place, boolean goesOn) {
        int s = span;
        int at = place;
        while (at < 0 && spans.get(s).parent() >= 0) {
            s = spans.get(s).parent();
            at += spans.get(s).size();
        }
        if (at >= 0) {
            return (long) spans.get(s).start() + at;
        }
        return goesOn ? rows + (long) s * depth + depth + at : rows;
    }

    /// Hands the last rows of each sequence on.
    ///
    /// @param context what [#withContext] gave
    void keepContext(Tensor context) {
        if (carried.isPresent() && depth > 0) {
            Tensor kept = context.indexSelect(0, last);
            carried.get().keepInputs(kept.reshape(spans.size(), depth, context.size(1)));
        }
    }
}
