package org.attune.serve;

import org.attune.error.ConfigException;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.models.AvailableMemory;
import org.attune.rollout.generation.GenerationMemory;
import org.attune.tensor.Engine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.IntToLongFunction;

/// How many answers the memory holds at once, beside the weights.
///
/// @param bytes that so many answers take
/// @param free bytes that may be taken
/// @param length most tokens of prompt and answer
record ServingMemory(IntToLongFunction bytes, long free, int length) {
    private static final Logger LOG = LoggerFactory.getLogger(ServingMemory.class);

    /// The number of answers that are generated at once: what is asked for, or half of it, a
    /// quarter and so on if the memory isn't there.
    ///
    /// @param decoder with its weights loaded; borrowed
    /// @param asked ≥ 1
    /// @throws ConfigException if not even one fits
    static int answers(Decoder decoder, int asked, int length) {
        GenerationMemory need = GenerationMemory.of(decoder, length, 1);
        OptionalLong usable = Engine.call(() -> AvailableMemory.usable(decoder.device()));
        if (usable.isEmpty()) {
            return asked;
        }
        long seeing = decoder.seeingBytes(Adapter.OFF);
        return new ServingMemory(n -> need.bytes(n) + seeing, usable.getAsLong(), length)
                .fitting(asked);
    }

    int fitting(int asked) {
        int answers = asked;
        while (answers > 1 && bytes.applyAsLong(answers) > free) {
            answers /= 2;
        }
        long taken = bytes.applyAsLong(answers);
        if (taken > free) {
            throw ConfigException.about(
                    "max_model_len",
                    "is %d, and a single answer of that length takes %s GiB beside the weights, of %s that may be taken; say a smaller --max-model-len, or end other programs"
                            .formatted(length, gib(taken), gib(free)));
        }
        if (answers < asked) {
            LOG.warn(
                    "{} answers of {} tokens take {} GiB and {} may be taken, so {} are generated"
                            + " at once; with a smaller --max-model-len there are more",
                    asked,
                    length,
                    gib(bytes.applyAsLong(asked)),
                    gib(free),
                    answers);
        }
        return answers;
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f", bytes / (double) (1L << 30));
    }
}
