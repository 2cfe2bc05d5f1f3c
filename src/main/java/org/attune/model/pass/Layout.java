package org.attune.model.pass;

import org.attune.model.config.AttentionConfig;
import org.attune.model.config.RopeConfig;
import org.attune.model.layer.RouterWatch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/// How the rows of one pass attend to each other: segments of a token forest, cut into blocks of
/// queries, each with the rows it may see. Made once per forest and shared by all blocks.
public final class Layout {
    /// Most queries per attention block: scores of a block stay in the cache.
    static final int QUERY_BLOCK = 256;

    /// Most scores of a block and head, where more queries than [#FEWEST_QUERIES] can be had.
    private static final int BLOCK_SCORES = 1 << 20;

    private static final int FEWEST_QUERIES = 32;

    private final int[] tokens;
    private final int[] positions;
    private final List<Span> spans;
    private final List<int[]> before; // tokens of each root
    private final Map<Sight, List<QueryBlock>> blocksBySight = new HashMap<>();
    private PictureRuns runs; // of all rows; null as long as nobody asked

    /// @param parent index of the parent span, or -1
    /// @param start first row
    /// @param end one past the last row
    /// @param seesItself whether its rows are among the keys; else it is one row, which sees its
    ///     ancestors alone
    /// @param leftOut tokens behind the last row that have none, as nothing depends on them
    public record Span(int parent, int start, int end, boolean seesItself, int leftOut) {
        /// An ordinary one.
        public Span(int parent, int start, int end) {
            this(parent, start, end, true, 0);
        }
    }

    /// Consecutive rows of one segment and the rows they see.
    ///
    /// @param start first query row
    /// @param end one past the last
    /// @param keyStarts first row of each range of keys, ancestors first
    /// @param keyEnds one past the last row of each
    /// @param mask additive, host-side, `(end − start, maskWidth)` over the last `maskWidth` keys,
    ///     or
    ///     null if the plain causal triangle over the last `end − start` keys is all
    record QueryBlock(int start, int end, int[] keyStarts, int[] keyEnds, float[] mask) {
        int queries() {
            return end - start;
        }

        int keys() {
            int n = 0;
            for (int i = 0; i < keyStarts.length; i++) {
                n += keyEnds[i] - keyStarts[i];
            }
            return n;
        }
    }

    /// @param tokens ids, `(N)`
    /// @param positions position ids, `(N)`
    /// @param spans segments, parents before children
    public Layout(int[] tokens, int[] positions, List<Span> spans) {
        this(tokens, positions, spans, List.of());
    }

    /// @param tokens ids, `(N)`
    /// @param positions position ids, `(N)`
    /// @param spans segments, parents before children
    /// @param before ids of tokens before each root that are no rows here, in the order of the
    ///     roots; empty if there are none, or if no positions depend on them
    public Layout(int[] tokens, int[] positions, List<Span> spans, List<int[]> before) {
        this.before = List.copyOf(before);
        this.tokens = tokens;
        this.positions = positions;
        this.spans = List.copyOf(spans);
    }

    /// Number of rows.
    public int size() {
        return tokens.length;
    }

    public int[] tokens() {
        return tokens;
    }

    public int[] positions() {
        return positions;
    }

    public List<Span> spans() {
        return spans;
    }

    /// Rows from a root to the end of a segment.
    public int[] path(int span) {
        Span last = spans.get(span);
        IntStream rows = IntStream.range(last.start(), last.end());
        for (int[] range : ancestors(last).reversed()) {
            rows = IntStream.concat(IntStream.range(range[0], range[1]), rows);
        }
        return rows.toArray();
    }

    /// Counts what routers choose, for each tree.
    RouterWatch routers() {
        int[] treeOf = new int[tokens.length];
        int[] tree = new int[spans.size()];
        int trees = 0;
        for (int i = 0; i < spans.size(); i++) {
            Span s = spans.get(i);
            tree[i] = s.parent() < 0 ? trees++ : tree[s.parent()];
            Arrays.fill(treeOf, s.start(), s.end(), tree[i]);
        }
        return new RouterWatch(treeOf, trees);
    }

    /// Positions in the streams of [RotaryWalk]: times, rows and columns, each `(N)`.
    int[][] streams() {
        int[][] streams = new int[RopeConfig.Sections.STREAMS][size()];
        RotaryWalk[] ends = new RotaryWalk[spans.size()];
        int roots = 0;
        for (int i = 0; i < ends.length; i++) {
            Span span = spans.get(i);
            RotaryWalk walk;
            if (span.parent() >= 0) {
                walk = new RotaryWalk(ends[span.parent()]);
            } else {
                walk = before.isEmpty() ? new RotaryWalk() : walked(before.get(roots++));
            }
            for (int row = span.start(); row < span.end(); row++) {
                walk.step(tokens[row]);
                streams[0][row] = walk.time();
                streams[1][row] = walk.down();
                streams[2][row] = walk.right();
            }
            ends[i] = walk;
        }
        return streams;
    }

    private static RotaryWalk walked(int[] ids) {
        var walk = new RotaryWalk();
        for (int id : ids) {
            walk.step(id);
        }
        return walk;
    }

    /// The position by which a token of text is rotated behind others, where pictures among them
    /// have positions of three streams.
    public static int positionBehind(int[] ids) {
        return walked(ids).next();
    }

    /// For each row the number of tokens in the longest path through its tree, those without a row
    /// included: what RoPE kinds whose factors depend on the total length ask for.
    int[] totalLengths() {
        int[] root = new int[spans.size()];
        int[] own = new int[spans.size()];
        int[] longest = new int[spans.size()];
        for (int i = 0; i < spans.size(); i++) {
            Span s = spans.get(i);
            root[i] = s.parent() < 0 ? i : root[s.parent()];
            int before = s.parent() < 0 ? 0 : own[s.parent()];
            int rows = s.end() > s.start() ? positions[s.end() - 1] + 1 : before;
            own[i] = rows + s.leftOut();
            longest[root[i]] = Math.max(longest[root[i]], own[i]);
        }
        int[] lengths = new int[tokens.length];
        for (int i = 0; i < spans.size(); i++) {
            Arrays.fill(lengths, spans.get(i).start(), spans.get(i).end(), longest[root[i]]);
        }
        return lengths;
    }

    /// What tokens of a layer see.
    ///
    /// @param window tokens, itself included; 0 is all
    /// @param attention says what a window is
    private record Sight(int window, AttentionConfig attention) {
        /// The first position that a token sees.
        int first(int position) {
            return attention.firstSeen(position, window);
        }
    }

    /// What rows of a pass see.
    ///
    /// @param first position that a token sees, by its own
    /// @param runs of pictures' rows that see each other
    /// @param through whether windows leave none of them out
    private record Seen(IntUnaryOperator first, PictureRuns runs, boolean through) {}

    /// The first position that a row sees.
    private int first(int row, Seen seen) {
        int first = seen.first().applyAsInt(positions[row]);
        return seen.through() ? Math.min(first, positions[seen.runs().start(row)]) : first;
    }

    /// Whether some rows see others behind them: those of pictures, where attention lets them.
    boolean seesAhead(AttentionConfig attention) {
        return attention.picturesWhole() && runs().some();
    }

    private PictureRuns runs() {
        if (runs == null) {
            runs = PictureRuns.of(tokens, spans);
        }
        return runs;
    }

    /// Query blocks for layers in which a token sees `window` tokens, itself included.
    ///
    /// @param window tokens, or 0 for all
    /// @param attention says what a window is
    List<QueryBlock> blocks(int window, AttentionConfig attention) {
        return blocksBySight.computeIfAbsent(new Sight(window, attention), this::cut);
    }

    /// Each segment in one piece, with all rows that its last row sees; empty segments left out.
    List<QueryBlock> paths() {
        var paths = new ArrayList<QueryBlock>();
        var everything = new Seen(_ -> 0, PictureRuns.NONE, false);
        for (Span span : spans) {
            if (span.end() > span.start()) {
                paths.add(block(span.start(), span.end(), span, ancestors(span), everything));
            }
        }
        return paths;
    }

    /// Rows in the longest path from a root to a leaf.
    public int longestPath() {
        int longest = 0;
        int[] lengths = new int[spans.size()];
        for (int i = 0; i < lengths.length; i++) {
            Span span = spans.get(i);
            int before = span.parent() < 0 ? 0 : lengths[span.parent()];
            lengths[i] = before + span.end() - span.start();
            longest = Math.max(longest, lengths[i]);
        }
        return longest;
    }

    private List<QueryBlock> cut(Sight sight) {
        var blocks = new ArrayList<QueryBlock>();
        boolean ahead = seesAhead(sight.attention());
        var seen =
                new Seen(
                        sight::first,
                        ahead ? runs() : PictureRuns.NONE,
                        sight.attention().throughWindows());
        for (int i = 0; i < spans.size(); i++) {
            Span span = spans.get(i);
            List<int[]> ancestors = ancestors(span);
            int b;
            for (int a = span.start(); a < span.end(); a = b) {
                int keys = positions[a] + 1 - sight.first(positions[a]);
                b = Math.min(a + queriesAtOnce(keys), span.end());
                blocks.add(block(a, b, span, ancestors, seen));
            }
        }
        return blocks;
    }

    /// Most scores of a block and head in a pass over so many tokens.
    static long mostScores(int tokens) {
        return (long) queriesAtOnce(tokens) * tokens;
    }

    /// Queries of a block whose first sees so many keys.
    static int queriesAtOnce(int keys) {
        return Math.clamp(BLOCK_SCORES / keys, FEWEST_QUERIES, QUERY_BLOCK);
    }

    /// Row ranges of all ancestors, the root's first.
    private List<int[]> ancestors(Span span) {
        var ranges = new ArrayList<int[]>();
        for (int p = span.parent(); p >= 0; p = spans.get(p).parent()) {
            ranges.addFirst(new int[] {spans.get(p).start(), spans.get(p).end()});
        }
        return ranges;
    }

    private QueryBlock block(int a, int b, Span span, List<int[]> ancestors, Seen seen) {
        int firstSeen = first(a, seen);
        var ranges = new ArrayList<int[]>();
        for (int[] range : ancestors) {
            append(ranges, range[0], range[1], firstSeen);
        }
        if (span.seesItself()) {
            append(ranges, span.start(), seen.runs().end(b - 1), firstSeen);
        }
        int[] starts = ranges.stream().mapToInt(r -> r[0]).toArray();
        int[] ends = ranges.stream().mapToInt(r -> r[1]).toArray();
        boolean matters = seen.runs().any(a, b) || first(b - 1, seen) > positions[starts[0]];
        return new QueryBlock(a, b, starts, ends, matters ? mask(a, b, starts, ends, seen) : null);
    }

    /// Adds a range, less what lies before the first position that is seen, joined to its neighbour
    /// where they touch.
    private void append(List<int[]> ranges, int start, int end, int firstSeen) {
        int from = start;
        while (from < end && positions[from] < firstSeen) {
            from++;
        }
        if (from >= end) {
            return;
        }
        if (!ranges.isEmpty() && ranges.getLast()[1] == from) {
            ranges.getLast()[1] = end;
        } else {
            ranges.add(new int[] {from, end});
        }
    }

    private float[] mask(int a, int b, int[] starts, int[] ends, Seen seen) {
        int keys = 0;
        for (int i = 0; i < starts.length; i++) {
            keys += ends[i] - starts[i];
        }
        float[] mask = new float[(b - a) * keys];
        for (int q = a; q < b; q++) {
            int first = first(q, seen);
            int column = 0;
            for (int i = 0; i < starts.length; i++) {
                for (int k = starts[i]; k < ends[i]; k++) {
                    boolean behind = positions[k] > positions[q] && !seen.runs().joins(q, k);
                    if (behind || positions[k] < first) {
                        mask[(q - a) * keys + column] = Float.NEGATIVE_INFINITY;
                    }
                    column++;
                }
            }
        }
        return mask;
    }
}
