package org.attune.rollout;

import org.attune.model.Adapter;
import org.attune.model.Decoder;
import org.attune.model.ModelSource;
import org.attune.rollout.SamplingConfig.Distribution;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.testing.Fixtures;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Tokens per second of a real model in bfloat16, sampled; prints, asserts nothing. Run by name:
/// `-Dtest=GenerationBench`.
@Tag("slow")
final class GenerationBench {
    private static final int TOKENS = 64;

    @Test
    void tokensPerSecond() {
        String path = Fixtures.model("SmolLM2-135M-Instruct.Q4_1.gguf").toString();
        Engine.run(
                () -> {
                    try (var model = ModelSource.open(path);
                            var text = model.openText();
                            var decoder =
                                    Decoder.load(
                                            model.config(),
                                            model.tensors(),
                                            Device.cpu(),
                                            DType.BFLOAT16)) {
                        var talk = Conversation.of(List.of(Message.of("user", "Tell a story.")));
                        int[] prompt = text.chat().encode(talk, Tail.GENERATION_PROMPT).ids();
                        for (int batch : new int[] {1, 1, 32}) {
                            time(decoder, prompt, batch);
                        }
                    }
                });
    }

    private static void time(Decoder decoder, int[] prompt, int batch) {
        var generator = new Generator(decoder, Adapter.OFF, Optional.empty(), batch);
        var config = SamplingConfig.of(Distribution.plain().withTopP(0.9), TOKENS, Set.of(), 1);
        long start = System.nanoTime();
        generator.generate(Collections.nCopies(batch, prompt), config, TokenListener.NONE);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf("%d sequences: %.0f tokens/s%n", batch, batch * TOKENS / seconds);
    }
}
