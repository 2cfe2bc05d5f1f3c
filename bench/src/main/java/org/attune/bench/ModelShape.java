package org.attune.bench;

import org.attune.error.ConfigException;
import org.attune.model.config.Activation;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.config.RopeConfig;
import org.attune.model.config.SpecialIds;
import org.attune.tensor.DType;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;

/// The sizes that decide what a decoder of the Llama shape costs.
///
/// @param width of the residual stream, `D`
/// @param inner width of the feed-forward block, `F`
/// @param depth number of blocks, `L`
/// @param heads query heads
/// @param kvHeads key and value heads, a divisor of `heads`
/// @param headDim features of a head, even
/// @param vocabulary rows of the embedding, `V`
/// @param tied whether the output layer is the embedding
public record ModelShape(
        int width,
        int inner,
        int depth,
        int heads,
        int kvHeads,
        int headDim,
        int vocabulary,
        boolean tied) {
    /// The smallest vocabulary of a random model: control tokens and some words.
    public static final int LEAST_VOCABULARY = 16;

    private static final int POSITIONS = 131_072;

    /// @throws ConfigException naming everything that is out of range
    public ModelShape {
        List<String> problems = new ArrayList<>();
        atLeast(problems, "--width", width, 1);
        atLeast(problems, "--inner", inner, 1);
        atLeast(problems, "--depth", depth, 1);
        atLeast(problems, "--heads", heads, 1);
        atLeast(problems, "--kv-heads", kvHeads, 1);
        atLeast(problems, "--vocab", vocabulary, LEAST_VOCABULARY);
        if (headDim < 2 || headDim % 2 != 0) {
            problems.add("--head-dim is %d; accepted: even numbers from 2".formatted(headDim));
        }
        if (kvHeads > 0 && heads % kvHeads != 0) {
            problems.add(
                    "--heads is %d, --kv-heads %d; accepted: a divisor of the heads"
                            .formatted(heads, kvHeads));
        }
        if (!problems.isEmpty()) {
            throw new ConfigException(String.join("\n  ", problems));
        }
    }

    private static void atLeast(List<String> problems, String option, int value, int least) {
        if (value < least) {
            problems.add("%s is %d; accepted: at least %d".formatted(option, value, least));
        }
    }

    static ModelShape of(DecoderConfig c) {
        return new ModelShape(
                c.hiddenSize(),
                c.intermediateSize(),
                c.layers(),
                c.heads(),
                c.kvHeads(),
                c.headDim(),
                c.vocabSize(),
                c.tieWordEmbeddings());
    }

    ModelShape withVocabulary(int other) {
        return new ModelShape(width, inner, depth, heads, kvHeads, headDim, other, tied);
    }

    /// A Llama of this shape.
    public DecoderConfig config() {
        var attention =
                new AttentionConfig(
                        heads,
                        kvHeads,
                        headDim,
                        false,
                        false,
                        false,
                        Collections.nCopies(depth, 0));
        return new DecoderConfig(
                "llama",
                width,
                inner,
                vocabulary,
                depth,
                attention,
                false,
                Activation.SILU,
                1e-5,
                tied,
                RopeConfig.of(10_000),
                POSITIONS,
                DType.BFLOAT16,
                new SpecialIds(
                        OptionalInt.empty(),
                        List.of(SyntheticModel.END),
                        OptionalInt.of(SyntheticModel.PAD)));
    }
}
