package org.attune.models.score;

import org.attune.error.StopRequest;
import org.attune.model.layer.Decoder;
import org.attune.models.LoadedModel;
import org.attune.models.ModelSetup;
import org.attune.models.score.ScoreModel.Read;
import org.attune.policy.FrozenAdapter;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.SequenceTree;
import org.attune.policy.TokenBudget;
import org.attune.policy.TokenForest;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/// Passes of a model whose head is asked of sequences, each at some of its tokens. What sequences
/// of a pass begin with in common is computed once. On the engine thread.
///
/// @param scorer makes them
/// @param freed closes what was opened for it
record HeadPass(Scorer scorer, Runnable freed) {
    private static final TokenBudget BUDGET = new TokenBudget(TokenBudget.DEFAULT_TOKENS);

    /// Of a model that is loaded already, with its adapter if it has one.
    ///
    /// @param loaded borrowed
    static HeadPass of(LoadedModel loaded) {
        Scorer scorer =
                loaded.adapted()
                        .<Scorer>map(policy -> policy)
                        .orElseGet(() -> Policy.reference(loaded.decoder()));
        return new HeadPass(scorer, () -> {});
    }

    /// Of an adapter on weights that are loaded already, on any thread. One that brings a head has
    /// it beside the weights of a model that has none.
    ///
    /// @param loaded borrowed; must live longer
    /// @param setup of the adapter on the same base
    /// @param number tells the adapter apart from others of the decoder
    static HeadPass on(LoadedModel loaded, ModelSetup setup, int number) {
        boolean isBorrowed = setup.labels() == 0 || loaded.decoder().config().scores();
        Decoder decoder =
                isBorrowed ? loaded.decoder() : Engine.call(() -> setup.scorerOn(loaded.decoder()));
        try {
            FrozenAdapter adapter =
                    FrozenAdapter.attach(decoder, setup.adapter().orElseThrow(), number);
            return new HeadPass(adapter.scorer(decoder), () -> free(adapter, decoder, isBorrowed));
        } catch (RuntimeException e) {
            if (!isBorrowed) {
                Engine.run(decoder::close);
            }
            throw e;
        }
    }

    private static void free(FrozenAdapter adapter, Decoder decoder, boolean isBorrowed) {
        adapter.close();
        if (!isBorrowed) {
            decoder.close();
        }
    }

    /// The tokens of a text.
    ///
    /// @param encode gives a text its tokens, and those that stand around any text
    /// @param most tokens; of a longer text the end is left out, and what stands behind it stays,
    ///     as where transformers' tokenizers truncate
    static int[] encoded(Function<String, int[]> encode, String text, int most) {
        int[] ids = encode.apply(text);
        if (ids.length <= most) {
            return ids;
        }
        int tail = Math.min(most, tail(encode));
        int[] kept = Arrays.copyOf(ids, most);
        System.arraycopy(ids, ids.length - tail, kept, most - tail, tail);
        return kept;
    }

    /// How many tokens stand behind any text: those with which two of them end.
    static int tail(Function<String, int[]> encode) {
        int[] a = encode.apply("a");
        int[] b = encode.apply("b");
        int tail = 0;
        while (tail < Math.min(a.length, b.length)
                && a[a.length - 1 - tail] == b[b.length - 1 - tail]) {
            tail++;
        }
        return tail;
    }

    /// Cuts rows of sequences, in order, into groups that are computed at once.
    static List<List<List<Read>>> groupsOfRows(ModelSetup setup, List<List<Read>> rows) {
        return BUDGET.groups(
                rows, row -> row.stream().map(Read::ids).toList(), setup.sharesPrompts());
    }

    /// Cuts sequences, in order, into groups that are computed at once.
    static List<List<Read>> groups(ModelSetup setup, List<Read> reads) {
        return groupsOfRows(setup, reads.stream().map(List::of).toList()).stream()
                .map(rows -> rows.stream().flatMap(List::stream).toList())
                .toList();
    }

    /// What the head says of all labels at all places of all sequences, in order.
    ///
    /// @param labels of each place
    /// @param shares whether common beginnings may be computed once
    Measurement measure(List<Read> group, int labels, boolean shares, HeadRequest request) {
        try (var _ = TensorScope.open("head.pass")) {
            StopRequest.check();
            return scorer.measure(forest(group, labels, shares), request);
        }
    }

    private static TokenForest forest(List<Read> group, int labels, boolean shares) {
        var builder = TokenForest.builder();
        List<SequenceTree.Path> paths =
                SequenceTree.add(builder, group.stream().map(Read::ids).toList(), shares);
        for (int i = 0; i < group.size(); i++) {
            for (int place : group.get(i).places()) {
                for (int label = 0; label < labels; label++) {
                    paths.get(i).score(place, label);
                }
            }
        }
        return builder.build();
    }
}
