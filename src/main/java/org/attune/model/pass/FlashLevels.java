package org.attune.model.pass;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/// A token forest as runs of rows for attention by [org.attune.tensor.FlashAttention]: in one call
/// each segment sees itself, and in one call for each depth descendants see their ancestor of that
/// depth. Both rows of queries and rows of keys only grow from entry to entry, so gaps are entries
/// with one side alone.
///
/// @param calls the segments' own first
record FlashLevels(List<Call> calls) {
    /// @param queries first query row of each entry, and the end of the last
    /// @param keys the same of key rows
    /// @param causal whether a query sees only what comes before it
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Call(int[] queries, int[] keys, boolean causal) {}

    /// A segment and where those below it end.
    private static final class Node {
        private final Layout.Span span;
        private final int depth;
        private int subtreeEnd;

        private Node(Layout.Span span, int depth) {
            this.span = span;
            this.depth = depth;
            subtreeEnd = span.end();
        }
    }

    /// The levels of a layout whose segments stand depth first; empty for others.
    static Optional<FlashLevels> of(Layout layout) {
        return nodes(layout.spans()).map(nodes -> of(layout.size(), nodes));
    }

    private static FlashLevels of(int rows, List<Node> nodes) {
        List<Call> calls = new ArrayList<>(List.of(own(rows, nodes)));
        int deepest = nodes.stream().mapToInt(node -> node.depth).max().orElse(0);
        for (int depth = 0; depth < deepest; depth++) {
            calls.add(level(rows, nodes, depth));
        }
        return new FlashLevels(List.copyOf(calls));
    }

    /// Empty unless every segment's descendants follow it directly.
    private static Optional<List<Node>> nodes(List<Layout.Span> spans) {
        List<Node> nodes = new ArrayList<>();
        Deque<Integer> path = new ArrayDeque<>(); // from the root on, numbers of spans
        int row = 0;
        for (int i = 0; i < spans.size(); i++) {
            Layout.Span span = spans.get(i);
            while (!path.isEmpty() && path.peekLast() != span.parent()) {
                path.removeLast();
            }
            if (span.parent() >= 0 && path.isEmpty() || span.start() != row) {
                return Optional.empty();
            }
            row = span.end();
            nodes.add(new Node(span, path.size()));
            for (int above : path) {
                nodes.get(above).subtreeEnd = row;
            }
            path.addLast(i);
        }
        return Optional.of(nodes);
    }

    private static Call own(int rows, List<Node> nodes) {
        var entries = new Entries();
        for (Node node : nodes) {
            if (node.span.seesItself()) {
                entries.add(node.span.end(), node.span.end());
            } else {
                entries.add(node.span.end(), node.span.start());
                entries.add(node.span.end(), node.span.end());
            }
        }
        return entries.call(rows, true);
    }

    private static Call level(int rows, List<Node> nodes, int depth) {
        var entries = new Entries();
        for (Node node : nodes) {
            if (node.depth == depth && node.subtreeEnd > node.span.end()) {
                entries.add(node.span.end(), entries.key); // queries that see nothing here
                entries.add(entries.query, node.span.start()); // keys that nobody sees here
                entries.add(node.subtreeEnd, node.span.end());
            }
        }
        return entries.call(rows, false);
    }

    /// Entries as they come about.
    private static final class Entries {
        private final List<int[]> ends = new ArrayList<>(List.of(new int[2]));
        private int query;
        private int key;

        /// Up to these rows; nothing if there are none.
        void add(int toQuery, int toKey) {
            if (toQuery > query || toKey > key) {
                query = toQuery;
                key = toKey;
                ends.add(new int[] {query, key});
            }
        }

        Call call(int rows, boolean causal) {
            add(rows, key);
            add(rows, rows);
            return new Call(
                    ends.stream().mapToInt(e -> e[0]).toArray(),
                    ends.stream().mapToInt(e -> e[1]).toArray(),
                    causal);
        }
    }
}
