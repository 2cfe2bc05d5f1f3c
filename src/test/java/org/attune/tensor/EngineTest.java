package org.attune.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

class EngineTest {
    /// oneDNN's names of sets of instructions.
    @Test
    void aProcessorThatMayUseLessHasNoFastBfloat16() {
        for (String most : List.of("SSE41", "AVX", "avx2", "AVX2_VNNI", "AVX512_CORE_VNNI")) {
            assertTrue(Engine.isWithheld(most), most);
        }
        for (String most : List.of("ALL", "default", "AVX512_CORE_BF16", "avx512_core_amx")) {
            assertFalse(Engine.isWithheld(most), most);
        }
        assertFalse(Engine.isWithheld(null));
    }

    /// Else the caller would free what the work uses.
    @Test
    void anInterruptedCallerWaitsForWorkThatHasBegun() throws Exception {
        var begun = new CountDownLatch(1);
        var asked = new CountDownLatch(1);
        var late = new AtomicReference<String>();
        var caller = new AtomicReference<String>();
        Thread thread =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    String result =
                                            Engine.call(
                                                    () -> {
                                                        begun.countDown();
                                                        asked.await();
                                                        late.set("done");
                                                        return "result";
                                                    },
                                                    asked::countDown);
                                    boolean kept = Thread.currentThread().isInterrupted();
                                    caller.set(late + " " + result + " " + kept);
                                });
        begun.await();
        thread.interrupt();
        thread.join();
        assertEquals("done result true", caller.get());
    }

    @Test
    void whatAnInterruptedCallerWaitsForNeverBegins() throws Exception {
        var begun = new CountDownLatch(1);
        var end = new CountDownLatch(1);
        var ran = new AtomicBoolean();
        Thread other =
                Thread.ofVirtual()
                        .start(
                                () ->
                                        Engine.call(
                                                () -> {
                                                    begun.countDown();
                                                    end.await();
                                                    return 1;
                                                }));
        begun.await();
        var told = new AtomicReference<String>();
        Thread waiting =
                Thread.ofVirtual()
                        .start(
                                () ->
                                        told.set(
                                                assertThrows(
                                                                IllegalStateException.class,
                                                                () ->
                                                                        Engine.run(
                                                                                () ->
                                                                                        ran.set(
                                                                                                true)))
                                                        .getMessage()));
        waiting.interrupt();
        waiting.join();
        end.countDown();
        other.join();
        Engine.run(() -> {}); // after whatever waited
        assertEquals("interrupted while waiting for the engine thread", told.get());
        assertFalse(ran.get());
    }
}
