package org.attune.model.layer;

import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

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
    private final boolean goesOn;
    private final long[][] rowsBefore; // of each distance
    private final Tensor[] before; // (N) each
    private final Tensor last; // (S depth), or null
    private final List<Batch> batches;
    private final Tensor places; // (N), where the batches' rows go; null: they are in order
    private final Optional<Carried> carried;

    /// @param parent number of the parent span, which comes earlier, or -1
    /// @param start first row
    /// @param end one past the last row
    public record Span(int parent, int start, int end) {
        int size() {
            return end - start;
        }
    }

    /// Spans that are computed side by side.
    ///
    /// @param spans their numbers
    /// @param length rows of each, those that fill it up included
    /// @param index its rows, span by span, `N` for one that fills it up, `(spans · length)`; null:
    ///     those of the pass in order
    private record Batch(List<Integer> spans, int length, Tensor index) {}

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
        rowsBefore = new long[depth][];
        for (int back = 1; back <= depth; back++) {
            rowsBefore[back - 1] = rowsBefore(back, goesOn);
            before[back - 1] = Tensor.of(device, rowsBefore[back - 1], rows);
        }
        this.goesOn = goesOn;
        last = goesOn && depth > 0 ? lastRows() : null;
        batches = batches();
        places = batches.size() == 1 && batches.getFirst().index() == null ? null : places();
    }

    private Succession(Succession other, Carried states) {
        device = other.device;
        rows = other.rows;
        spans = other.spans;
        depth = other.depth;
        goesOn = other.goesOn;
        rowsBefore = other.rowsBefore;
        before = other.before;
        last = other.last;
        batches = other.batches;
        places = other.places;
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

    private long[] lastRowsOf(int span) {
        return IntStream.range(0, depth)
                .mapToLong(i -> row(span, spans.get(span).size() - depth + i, true))
                .toArray();
    }

    private Tensor lastRows() {
        long[] all =
                IntStream.range(0, spans.size())
                        .mapToObj(this::lastRowsOf)
                        .flatMapToLong(Arrays::stream)
                        .toArray();
        return Tensor.of(device, all, all.length);
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

    /// Spans of one depth, parents before children, whose numbers of chunks differ by at most
    /// twice: shorter ones are filled up.
    private List<Batch> batches() {
        int[] depths = new int[spans.size()];
        Map<Long, List<Integer>> alike = new TreeMap<>();
        for (int s = 0; s < depths.length; s++) {
            Span span = spans.get(s);
            depths[s] = span.parent() < 0 ? 0 : depths[span.parent()] + 1;
            int chunks = Math.max(1, Scan.padded(span.size()) / Scan.CHUNK);
            int doublings = Integer.SIZE - Integer.numberOfLeadingZeros(chunks - 1);
            alike.computeIfAbsent(
                            (long) depths[s] * Integer.SIZE + doublings, _ -> new ArrayList<>())
                    .add(s);
        }
        return alike.values().stream().map(this::batch).toList();
    }

    private Batch batch(List<Integer> own) {
        int longest = own.stream().mapToInt(s -> spans.get(s).size()).max().orElseThrow();
        int length = Scan.padded(Math.max(1, longest));
        long[] index = new long[own.size() * length];
        Arrays.fill(index, rows);
        for (int i = 0; i < own.size(); i++) {
            Span span = spans.get(own.get(i));
            for (int at = 0; at < span.size(); at++) {
                index[i * length + at] = (long) span.start() + at;
            }
        }
        boolean inOrder =
                index.length == rows && IntStream.range(0, rows).allMatch(i -> index[i] == i);
        return new Batch(own, length, inOrder ? null : Tensor.of(device, index, index.length));
    }

    private Tensor places() {
        long[] all = new long[rows];
        int first = 0;
        for (Batch batch : batches) {
            for (int i = 0; i < batch.spans().size(); i++) {
                Span span = spans.get(batch.spans().get(i));
                for (int at = 0; at < span.size(); at++) {
                    all[span.start() + at] = first + (long) i * batch.length() + at;
                }
            }
            first += batch.spans().size() * batch.length();
        }
        return Tensor.of(device, all, rows);
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

    /// Numbers of [#before], the nearest first, for kernels; -1 where there is no row.
    int[][] before() {
        return Arrays.stream(rowsBefore)
                .map(
                        own ->
                                Arrays.stream(own)
                                        .mapToInt(row -> goesOn || row < rows ? (int) row : -1)
                                        .toArray())
                .toArray(int[][]::new);
    }

    /// The spans, parents before children.
    List<Span> spans() {
        return spans;
    }

    /// Whether each span is one token.
    boolean isOneEach() {
        return spans.stream().allMatch(span -> span.size() == 1);
    }

    /// What was read before, if there is something.
    Optional<Carried> carried() {
        return carried;
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

    /// Takes a recurrence over all rows. A parent's state is computed once, whatever the number of
    /// its children.
    ///
    /// @param inputs of the rows, float32 `(N, w)` each
    /// @return `(N, w)`
    Tensor scan(Scan scan, Tensor... inputs) {
        Tensor[] states = new Tensor[spans.size()]; // (1, numbers) each
        Tensor[] outs = new Tensor[batches.size()];
        Tensor all = null; // states of all spans, if they were computed at once
        for (int i = 0; i < outs.length; i++) {
            Batch batch = batches.get(i);
            int count = batch.spans().size();
            Tensor[] own = new Tensor[inputs.length];
            for (int j = 0; j < own.length; j++) {
                own[j] = rows(inputs[j], batch).reshape(count, batch.length(), inputs[j].size(1));
            }
            Scan.Scanned made = scan.run(own, statesBefore(batch, scan, states));
            outs[i] = made.out().reshape((long) count * batch.length(), made.out().size(2));
            for (int j = 0; j < count; j++) {
                states[batch.spans().get(j)] = made.state().narrow(0, j, 1);
            }
            all = count == spans.size() ? made.state() : null;
        }
        if (carried.isPresent()) {
            carried.get().keepMatrices(all == null ? Tensor.cat(0, states) : all);
        }
        Tensor out = outs.length == 1 ? outs[0] : Tensor.cat(0, outs);
        return places == null ? out : out.indexSelect(0, places);
    }

    private Tensor rows(Tensor input, Batch batch) {
        if (batch.index() == null) {
            return input;
        }
        Tensor zero = Tensor.zeros(device, input.dtype(), 1, input.size(1));
        return Tensor.cat(0, input, zero).indexSelect(0, batch.index());
    }

    /// @param states of the spans that were computed before
    /// @return `(B, numbers)`
    private Tensor statesBefore(Batch batch, Scan scan, Tensor[] states) {
        int count = batch.spans().size();
        boolean roots = spans.get(batch.spans().getFirst()).parent() < 0;
        if (roots && carried.isEmpty()) {
            return Tensor.zeros(device, DType.FLOAT32, count, scan.numbers());
        }
        if (roots && count == spans.size()) {
            return carried.get().matrices();
        }
        Tensor given = roots ? carried.get().matrices() : null;
        Tensor[] parts = new Tensor[count];
        for (int i = 0; i < count; i++) {
            int span = batch.spans().get(i);
            parts[i] = roots ? given.narrow(0, span, 1) : states[spans.get(span).parent()];
        }
        return Tensor.cat(0, parts);
    }
}
