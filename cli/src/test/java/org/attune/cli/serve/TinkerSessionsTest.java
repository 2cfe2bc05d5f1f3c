package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.policy.FrozenAdapter;
import org.attune.serve.ApiException;
import org.attune.trainers.service.AdapterTraining;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mockito.Mockito;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/// Which trainings and samplers there may be, and how long they stay.
@Timeout(60)
class TinkerSessionsTest {
    private static TinkerRun run(String id, String session) {
        return new TinkerRun(id, session, Mockito.mock(AdapterTraining.class), null);
    }

    private static TinkerSampler sampler(String id, String session, String run) {
        return new TinkerSampler(
                id,
                session,
                Optional.empty(),
                Optional.of(Mockito.mock(FrozenAdapter.class)),
                Optional.of(run));
    }

    @Test
    void aPlaceIsTakenFromTheRequestToTheEnd() {
        try (var sessions = new TinkerSessions(1, Duration.ofMinutes(1))) {
            String session = sessions.open();
            sessions.reserve();
            assertThrows(ApiException.class, sessions::reserve);
            sessions.giveUp();
            sessions.reserve();
            TinkerRun run = run("one", session);
            sessions.add(run);
            assertThrows(ApiException.class, sessions::reserve);
            sessions.end(run);
            sessions.reserve();
        }
    }

    @Test
    void aTrainingAtWorkKeepsItsSession() throws Exception {
        try (var sessions = new TinkerSessions(2, Duration.ofMillis(20))) {
            var goOn = new CountDownLatch(1);
            String busy = sessions.open();
            String idle = sessions.open();
            TinkerRun run = run("busy", busy);
            sessions.reserve();
            sessions.add(run);
            sessions.reserve();
            sessions.add(run("idle", idle));
            var futures = new TinkerFutures(Duration.ofMinutes(1));
            run.submit(
                    1,
                    1,
                    futures.open("work").orElseThrow(),
                    () -> {
                        goOn.await();
                        return new TinkerReply.Plain(Map.of());
                    });
            while (!run.isWorking()) {
                Thread.sleep(1);
            }
            Thread.sleep(30);
            sessions.sweep();
            assertEquals(run, sessions.run("busy"));
            assertThrows(ApiException.class, () -> sessions.run("idle"));
            goOn.countDown();
            while (run.isWorking()) {
                Thread.sleep(1);
            }
            Thread.sleep(30);
            sessions.sweep();
            assertThrows(ApiException.class, () -> sessions.touch(busy));
        }
    }

    @Test
    void theNewestFourCopiesOfATrainingStay() {
        try (var sessions = new TinkerSessions(1, Duration.ofMinutes(1))) {
            String session = sessions.open();
            sessions.add(sampler("other", session, "another"), "another");
            for (int i = 0; i < 6; i++) {
                sessions.add(sampler("copy" + i, session, "run"), "run");
            }
            for (int i = 0; i < 6; i++) {
                assertEquals(i >= 2, sessions.hasSampler("copy" + i), "copy" + i);
            }
            assertTrue(sessions.hasSampler("other"));
            sessions.end(session);
            assertFalse(sessions.hasSampler("other"));
        }
    }
}
