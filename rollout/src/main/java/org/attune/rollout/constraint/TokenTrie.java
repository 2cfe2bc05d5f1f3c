package org.attune.rollout.constraint;

import org.attune.error.ConfigException;
import org.attune.text.Tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;
import java.util.stream.IntStream;

/// The bytes of a tokenizer's ordinary tokens, as a tree in pre-order. Added tokens, as those that
/// control a chat, are left out: no constraint lets them stand in a text. Immutable.
final class TokenTrie {
    private final byte[][] bytes;
    private final BitSet ends;
    private final byte[] label; // by node; node 0 is the root
    private final int[] skip; // the first node that isn't below
    private final int[] firstToken; // of those that end here
    private final int[] tokens; // in the order of nodes
    private final int deepest;
    private final BitSet quoted = new BitSet();

    /// @param endIds tokens that end a completion, at least one
    /// @throws ConfigException if there is no such token, or the bytes of the tokenizer's tokens
    ///     aren't known
    static TokenTrie of(Tokenizer tokenizer, Set<Integer> endIds) {
        if (endIds.isEmpty()) {
            throw new ConfigException(
                    "a constraint needs a token that ends completions, and this model names none;"
                            + " add eos_token_id to its generation_config.json");
        }
        var bytes = new byte[tokenizer.vocabularySize()][];
        for (int id = 0; id < bytes.length; id++) {
            bytes[id] = endIds.contains(id) ? new byte[0] : tokenizer.tokenBytes(id);
        }
        return new TokenTrie(bytes, endIds);
    }

    /// @param bytes of each token; empty: it never comes
    TokenTrie(byte[][] bytes, Set<Integer> endIds) {
        this.bytes = bytes;
        ends = new BitSet();
        endIds.forEach(ends::set);
        int[] sorted =
                IntStream.range(0, bytes.length)
                        .filter(id -> bytes[id].length > 0)
                        .boxed()
                        .sorted((a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]))
                        .mapToInt(id -> id)
                        .toArray();
        tokens = sorted;
        int nodes = 1;
        byte[] before = {};
        for (int id : sorted) {
            nodes += bytes[id].length - common(before, bytes[id]);
            before = bytes[id];
        }
        label = new byte[nodes];
        skip = new int[nodes];
        firstToken = new int[nodes + 1];
        deepest = build(bytes, sorted);
        Arrays.stream(sorted).filter(id -> hasQuote(bytes[id])).forEach(quoted::set);
    }

    /// Fills the arrays.
    ///
    /// @return bytes of the longest token
    private int build(byte[][] bytes, int[] sorted) {
        int longest = 0;
        int node = 0;
        byte[] before = {};
        int[] open = new int[2 + Arrays.stream(sorted).map(id -> bytes[id].length).max().orElse(0)];
        for (int k = 0; k < sorted.length; k++) {
            byte[] now = bytes[sorted[k]];
            int common = common(before, now);
            for (int depth = common + 1; depth <= before.length; depth++) {
                skip[open[depth]] = node + 1;
            }
            for (int depth = common + 1; depth <= now.length; depth++) {
                node++;
                label[node] = now[depth - 1];
                firstToken[node] = k;
                open[depth] = node;
            }
            longest = Math.max(longest, now.length);
            before = now;
        }
        for (int depth = 0; depth <= before.length; depth++) {
            skip[open[depth]] = node + 1;
        }
        firstToken[node + 1] = sorted.length;
        return longest;
    }

    private static boolean hasQuote(byte[] token) {
        for (byte each : token) {
            if (each == '"') {
                return true;
            }
        }
        return false;
    }

    private static int common(byte[] a, byte[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    /// Ids that end a completion.
    BitSet ends() {
        return ends;
    }

    /// How many ids there are.
    int size() {
        return bytes.length;
    }

    /// Tokens in which a quotation mark stands; not to be changed.
    BitSet quoted() {
        return quoted;
    }

    /// How a token is spelled; empty if it never comes.
    byte[] bytes(int id) {
        return bytes[id];
    }

    /// Bytes of the longest token.
    int deepest() {
        return deepest;
    }

    int label(int node) {
        return label[node] & 0xff;
    }

    /// The first node behind those below a node.
    int skip(int node) {
        return skip[node];
    }

    boolean isLeaf(int node) {
        return skip[node] == node + 1;
    }

    /// Adds the tokens that are spelled by the way to a node.
    void addTokens(int node, BitSet to) {
        for (int k = firstToken[node]; k < firstToken[node + 1]; k++) {
            to.set(tokens[k]);
        }
    }
}
