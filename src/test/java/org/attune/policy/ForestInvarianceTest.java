package org.attune.policy;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;
import java.util.function.Consumer;

/// Packing, sharing of prompts, order and splits are invisible in loss and gradients.
class ForestInvarianceTest {
    enum Model {
        LLAMA(TinyModels.llama()),
        TIED(TinyModels.tiedLlama()),
        WINDOW(TinyModels.mistral(16)),
        QWEN2(TinyModels.qwen2()),
        EVERYTHING(TinyModels.everything()),
        WIDE_HEADS(TinyModels.wideHeads()),
        WIDE_HEADS_WITH_EVERYTHING(TinyModels.wideHeadsWithEverything());

        final DecoderConfig config;

        Model(DecoderConfig config) {
            this.config = config;
        }
    }

    /// Numbers of the texts in [#family].
    private static final int PROMPT = 0;

    private static final int FIVE = 1;
    private static final int ONE = 2;
    private static final int SIXTY_FOUR = 3;
    private static final int GRANDCHILD = 4;
    private static final int EMPTY = 5;
    private static final int OTHER = 6;

    /// A prompt of 37 tokens, its children, a grandchild, and a text that has nothing to do with
    /// them.
    private static Tree family(DecoderConfig config) {
        var tree = new Tree();
        tree.root(TinyModels.tokens("prompt", config, 37));
        tree.child(PROMPT, TinyModels.tokens("five", config, 5));
        tree.child(PROMPT, TinyModels.tokens("one", config, 1));
        tree.child(PROMPT, TinyModels.tokens("sixty-four", config, 64));
        tree.child(FIVE, TinyModels.tokens("grandchild", config, 9));
        tree.child(PROMPT, new int[0]);
        tree.root(TinyModels.tokens("other", config, 23));
        return tree;
    }

    /// Runs `body` with a policy that trains an adapter, and with one that trains all weights.
    private static void withPolicies(Model model, Consumer<Policy> body) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(model.config);
                            Policy policy =
                                    Outcome.lora(decoder, Outcome.allLinear(0), Outcome.DEFAULT)) {
                        body.accept(policy);
                    }
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(model.config);
                            Policy policy = Policy.withAllWeights(decoder, Outcome.DEFAULT)) {
                        body.accept(policy);
                    }
                });
    }

    @ParameterizedTest
    @EnumSource
    void aSharedPromptEqualsSeparateSequences(Model model) {
        Tree tree = family(model.config);
        withPolicies(
                model,
                policy ->
                        Outcome.of(policy, tree.separate(FIVE, ONE, SIXTY_FOUR))
                                .assertEqualTo(
                                        "children of 5, 1 and 64",
                                        Outcome.of(
                                                policy,
                                                List.of(
                                                        tree.shared(
                                                                PROMPT, FIVE, ONE, SIXTY_FOUR)))));
    }

    @ParameterizedTest
    @EnumSource
    void aGrandchildEqualsItsWholePath(Model model) {
        Tree tree = family(model.config);
        withPolicies(
                model,
                policy ->
                        Outcome.of(policy, tree.separate(GRANDCHILD, SIXTY_FOUR))
                                .assertEqualTo(
                                        "grandchild",
                                        Outcome.of(
                                                policy,
                                                List.of(
                                                        tree.shared(
                                                                PROMPT,
                                                                FIVE,
                                                                GRANDCHILD,
                                                                SIXTY_FOUR)))));
    }

    @ParameterizedTest
    @EnumSource
    void packedRootsEqualSeparateOnes(Model model) {
        Tree tree = family(model.config);
        withPolicies(
                model,
                policy ->
                        Outcome.of(policy, tree.separate(FIVE, OTHER, SIXTY_FOUR))
                                .assertEqualTo(
                                        "packed",
                                        Outcome.of(
                                                policy,
                                                List.of(tree.packed(FIVE, OTHER, SIXTY_FOUR)))));
    }

    @ParameterizedTest
    @EnumSource
    void orderOfSegmentsAndSplitsAreInvisible(Model model) {
        Tree tree = family(model.config);
        withPolicies(
                model,
                policy -> {
                    Outcome one =
                            Outcome.of(
                                    policy,
                                    List.of(
                                            tree.shared(
                                                    PROMPT,
                                                    FIVE,
                                                    ONE,
                                                    SIXTY_FOUR,
                                                    GRANDCHILD,
                                                    OTHER)));
                    Outcome reordered =
                            Outcome.of(
                                    policy,
                                    List.of(
                                            tree.shared(
                                                    OTHER,
                                                    PROMPT,
                                                    SIXTY_FOUR,
                                                    FIVE,
                                                    GRANDCHILD,
                                                    ONE)));
                    one.assertEqualTo("order", reordered);
                    Outcome split =
                            Outcome.of(
                                    policy,
                                    List.of(
                                            tree.shared(OTHER),
                                            tree.shared(
                                                    PROMPT, ONE, FIVE, SIXTY_FOUR, GRANDCHILD)));
                    one.assertEqualTo("two micro-batches", split);
                });
    }

    @ParameterizedTest
    @EnumSource
    void anEmptyOrAbsentChildChangesNothing(Model model) {
        Tree tree = family(model.config);
        withPolicies(
                model,
                policy -> {
                    Outcome without = Outcome.of(policy, List.of(tree.shared(PROMPT, FIVE)));
                    without.assertEqualTo(
                            "empty child",
                            Outcome.of(policy, List.of(tree.shared(PROMPT, EMPTY, FIVE))),
                            0);
                    without.assertEqualTo("separate", Outcome.of(policy, tree.separate(FIVE)));
                });
    }

    /// Longer than one block of queries, so that a block's keys begin inside the prompt.
    @Test
    void longSegmentsAndWindowsAcrossBlocks() {
        for (Model model : List.of(Model.LLAMA, Model.WINDOW, Model.EVERYTHING)) {
            var tree = new Tree();
            int prompt = tree.root(TinyModels.tokens("long", model.config, 300));
            int a = tree.child(prompt, TinyModels.tokens("a", model.config, 290));
            int b = tree.child(prompt, TinyModels.tokens("b", model.config, 2));
            withPolicies(
                    model,
                    policy ->
                            Outcome.of(policy, tree.separate(a, b))
                                    .assertEqualTo(
                                            "long " + model,
                                            Outcome.of(
                                                    policy, List.of(tree.shared(prompt, a, b)))));
        }
    }
}
