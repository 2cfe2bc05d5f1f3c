package org.attune.trainers.setup;

import org.attune.model.Decoder;
import org.attune.model.DecoderConfig;
import org.attune.trainers.batch.TokenBudget;
import org.attune.trainers.config.BatchConfig;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Decides whether blocks are recomputed in the backward pass.
final class ActivationMemory {
    private static final Path MEMORY = Path.of("/proc/meminfo");

    private ActivationMemory() {}

    /// Whether to recompute: if it is allowed and keeping everything would take more than an
    /// eighth of the memory that is free now.
    static boolean recomputes(boolean allowed, Decoder decoder, BatchConfig batch) {
        long free = freeBytes();
        int tokens = batch.tokensPerMicroBatch().orElse(TokenBudget.DEFAULT_TOKENS);
        return allowed && (free == 0 || bytes(decoder, tokens) > free / 8);
    }

    /// What the blocks keep for `tokens`, roughly: input, norms, queries, keys, values, attention's
    /// result, both halves of the MLP and their product.
    static long bytes(Decoder decoder, int tokens) {
        DecoderConfig c = decoder.config();
        long heads = (long) c.attention().headDim() * (2L * c.attention().heads());
        long keys = 2L * c.attention().headDim() * c.attention().kvHeads();
        long values = 4L * c.hiddenSize() + heads + keys + 3L * c.intermediateSize();
        return values * c.layers() * tokens * decoder.dtype().bytes();
    }

    /// 0 where the system does not tell.
    private static long freeBytes() {
        if (!Files.isReadable(MEMORY)) {
            return 0;
        }
        try (var lines = Files.lines(MEMORY)) {
            return lines.filter(l -> l.startsWith("MemAvailable:"))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
