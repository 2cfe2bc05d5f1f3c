package org.attune.policy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Texts that share beginnings, which can be laid out as one forest or as separate sequences. Each
/// token that is predicted has a key, the same in every layout.
final class Tree {
    private static final int STRIDE = 10_000;
    private static final int ROOT = -1;

    private final List<Node> nodes = new ArrayList<>();

    private record Node(int parent, int[] tokens) {}

    /// One micro-batch and the keys of its targets.
    record Piece(TokenForest forest, int[] keys) {}

    /// Adds a separate text and returns its number.
    int root(int[] tokens) {
        nodes.add(new Node(ROOT, tokens));
        return nodes.size() - 1;
    }

    /// Adds a continuation of `parent` and returns its number.
    int child(int parent, int[] tokens) {
        nodes.add(new Node(parent, tokens));
        return nodes.size() - 1;
    }

    /// One forest of these texts in this order; parents must come before their children.
    Piece shared(int... order) {
        var layout = new Layout();
        Map<Integer, Integer> segments = new HashMap<>();
        for (int id : order) {
            Node node = nodes.get(id);
            int segment =
                    node.parent() == ROOT
                            ? layout.builder.root(node.tokens())
                            : layout.builder.child(segments.get(node.parent()), node.tokens());
            segments.put(id, segment);
            for (int i = node.parent() == ROOT ? 1 : 0; i < node.tokens().length; i++) {
                layout.target(id, segment, i, i);
            }
        }
        return layout.piece();
    }

    /// The texts that end at `leaves`, each in full and in a separate forest. What several begin
    /// with is predicted in the first of them only, as it is in one forest.
    List<Piece> separate(int... leaves) {
        var seen = new HashSet<Integer>();
        var pieces = new ArrayList<Piece>();
        for (int leaf : leaves) {
            var layout = new Layout();
            lay(layout, leaf, seen);
            pieces.add(layout.piece());
        }
        return pieces;
    }

    /// The same texts as several roots of one forest.
    Piece packed(int... leaves) {
        var seen = new HashSet<Integer>();
        var layout = new Layout();
        for (int leaf : leaves) {
            lay(layout, leaf, seen);
        }
        return layout.piece();
    }

    private void lay(Layout layout, int leaf, Set<Integer> seen) {
        var path = new ArrayList<Integer>();
        for (int id = leaf; id != ROOT; id = nodes.get(id).parent()) {
            path.addFirst(id);
        }
        int[] ids =
                path.stream()
                        .map(nodes::get)
                        .flatMapToInt(n -> Arrays.stream(n.tokens()))
                        .toArray();
        int segment = layout.builder.root(ids);
        int offset = 0;
        for (int id : path) {
            int length = nodes.get(id).tokens().length;
            boolean fresh = seen.add(id);
            for (int i = 0; i < length; i++) {
                if (fresh && offset + i > 0) {
                    layout.target(id, segment, offset + i, i);
                }
            }
            offset += length;
        }
    }

    private static final class Layout {
        final TokenForest.Builder builder = TokenForest.builder();
        private final List<Integer> keys = new ArrayList<>();

        void target(int id, int segment, int index, int indexInNode) {
            builder.target(segment, index);
            keys.add(id * STRIDE + indexInNode);
        }

        Piece piece() {
            return new Piece(builder.build(), keys.stream().mapToInt(Integer::intValue).toArray());
        }
    }
}
