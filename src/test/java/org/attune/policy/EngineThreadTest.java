package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/// The work is the same on any calling thread.
class EngineThreadTest {
    private static final DecoderConfig CONFIG = TinyModels.llama();

    private static Tree.Piece piece() {
        var tree = new Tree();
        int prompt = tree.root(TinyModels.tokens("prompt", CONFIG, 20));
        return tree.shared(prompt, tree.child(prompt, TinyModels.tokens("a", CONFIG, 30)));
    }

    private static Outcome step(Policy.Options options) {
        return Engine.call(
                () -> {
                    try (var _ = TensorScope.open("test");
                            Decoder decoder = TinyModels.decoder(CONFIG);
                            Policy policy = Outcome.lora(decoder, Outcome.allLinear(0), options)) {
                        return Outcome.of(policy, List.of(piece()));
                    }
                });
    }

    @Test
    void aFreshThreadGetsTheSameGradients() throws InterruptedException {
        for (Policy.Options options : List.of(Outcome.DEFAULT, Outcome.PLAIN)) {
            Outcome here = step(options);
            for (Thread.Builder builder : List.of(Thread.ofPlatform(), Thread.ofVirtual())) {
                var there = new AtomicReference<Outcome>();
                builder.start(() -> there.set(step(options))).join();
                here.assertEqualTo("fresh thread", there.get(), 0);
            }
        }
    }

    /// Plain blocks need autograd, whose mode belongs to a thread.
    @Test
    void gradModeIsOffBetweenCalls() {
        step(Outcome.PLAIN);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        var device = Device.cpu();
                        Tensor x = Tensor.of(device, new float[] {1, 2}, 2);
                        x.requireGradient(true);
                        Tensor y = x.exp().sum();
                        assertThrows(RuntimeException.class, y::backward);
                        assertNull(x.gradient());
                    }
                });
    }

    @Test
    void otherThreadsAreRefusedByName() throws InterruptedException {
        Tensor[] escaped = new Tensor[1];
        Engine.run(
                () -> {
                    try (var _ = TensorScope.detached("escaped").enter()) {
                        escaped[0] = Tensor.zeros(Device.cpu(), DType.FLOAT32, 2);
                    }
                });
        List<Runnable> uses =
                List.of(
                        () -> escaped[0].exp(),
                        () -> escaped[0].add(escaped[0]),
                        () -> escaped[0].toFloats(),
                        () -> escaped[0].zeroInPlace(),
                        () -> escaped[0].requireGradient(true),
                        () -> escaped[0].close(),
                        () -> TensorScope.open("elsewhere"));
        for (Runnable use : uses) {
            var message = new AtomicReference<String>();
            Thread.ofPlatform()
                    .name("visitor")
                    .start(
                            () -> {
                                var e = assertThrows(IllegalStateException.class, use::run);
                                message.set(e.getMessage());
                            })
                    .join();
            assertTrue(message.get() != null && message.get().contains("visitor"), message.get());
        }
        Engine.run(
                () -> {
                    assertArrayEquals(new float[] {0, 0}, escaped[0].toFloats());
                    escaped[0].close();
                });
    }
}
