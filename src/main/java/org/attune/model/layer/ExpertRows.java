package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.Arrays;

/// Which rows go to which experts: `N` tokens, `k` experts of each, `E` experts.
///
/// @param chosenEach `k`
/// @param chosen experts of each token, in the order of choice, `N k`
/// @param order where each of these comes by expert, then by token
/// @param counts how many each expert gets
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record ExpertRows(int chosenEach, int[] chosen, int[] order, int[] counts) {
    /// @param experts `E`
    static ExpertRows of(int[] chosen, int chosenEach, int experts) {
        int[] counts = new int[experts];
        for (int e : chosen) {
            counts[e]++;
        }
        int[] next = new int[experts];
        for (int e = 1; e < experts; e++) {
            next[e] = next[e - 1] + counts[e - 1];
        }
        int[] order = new int[chosen.length];
        for (int i = 0; i < chosen.length; i++) {
            order[i] = next[chosen[i]]++;
        }
        return new ExpertRows(chosenEach, chosen, order, counts);
    }

    /// `N k`.
    int count() {
        return chosen.length;
    }

    /// Experts of each token, `(N, k)`.
    Tensor experts(Tensor like) {
        return index(like, chosen).reshape(chosen.length / chosenEach, chosenEach);
    }

    /// Tokens by expert, `(N k)`.
    Tensor tokens(Tensor like) {
        return index(like, tokens());
    }

    /// Tokens by expert, rising for each.
    int[] tokens() {
        int[] tokens = sorted();
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] /= chosenEach;
        }
        return tokens;
    }

    /// Which choice each row by expert is of, `(N k)`.
    Tensor sources(Tensor like) {
        return index(like, sorted());
    }

    private int[] sorted() {
        int[] sources = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            sources[order[i]] = i;
        }
        return sources;
    }

    /// Where each token's rows went, `(N k)`.
    Tensor places(Tensor like) {
        return index(like, order);
    }

    private static Tensor index(Tensor like, int[] numbers) {
        return Tensor.of(
                like.device(), Arrays.stream(numbers).asLongStream().toArray(), numbers.length);
    }
}
