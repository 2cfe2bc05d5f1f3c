package org.attune.cli.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.serve.ApiException;
import org.attune.trainers.service.AdapterTraining;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mockito.Mockito;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/// The order of a training's requests, those that wait, and those that its end gives up.
@Timeout(60)
class TinkerRunTest {
    private static final long MUCH = 200L << 20; // two of these are more than may wait

    private final AdapterTraining training = Mockito.mock(AdapterTraining.class);
    private final TinkerFutures futures = new TinkerFutures(Duration.ofMinutes(1));
    private final List<Long> done = new CopyOnWriteArrayList<>();
    private TinkerRun run;

    @BeforeEach
    void open() {
        run = new TinkerRun("run", "session", training, null);
    }

    @AfterEach
    void close() {
        run.close();
    }

    private void submit(long number, long bytes) {
        run.submit(
                number,
                bytes,
                futures.open("run:" + number).orElseThrow(),
                () -> {
                    done.add(number);
                    return new TinkerReply.Plain(Map.of());
                });
    }

    private TinkerReply await(long number) throws InterruptedException {
        return futures.await("run:" + number, Duration.ofSeconds(50)).orElseThrow();
    }

    private long unnumbered() {
        return run.number(OptionalLong.empty());
    }

    @Test
    void requestsAreDoneInTheOrderOfTheirNumbers() throws InterruptedException {
        submit(3, 1);
        assertEquals(4, unnumbered());
        submit(unnumbered(), 1);
        assertEquals(5, unnumbered());
        submit(2, 1);
        assertEquals(List.of(), done);
        submit(1, 1);
        await(4);
        assertEquals(List.of(1L, 2L, 3L, 4L), done);
        assertEquals(5, unnumbered());
        assertEquals(9, run.number(OptionalLong.of(9)));
    }

    @Test
    void aNumberThatHasComeIsRefused() throws InterruptedException {
        submit(1, 1);
        await(1);
        submit(3, 1);
        futures.drop("run:1");
        futures.drop("run:3");
        for (long number : new long[] {1, 3}) {
            var e = assertThrows(ApiException.class, () -> submit(number, 1));
            assertTrue(e.getMessage().contains("has come before; the next is 2"), e.getMessage());
        }
        assertEquals(List.of(1L), done);
    }

    @Test
    void whatComesNextIsTakenHoweverMuchWaits() throws InterruptedException {
        submit(2, MUCH);
        var e = assertThrows(ApiException.class, () -> submit(3, MUCH));
        assertTrue(e.getMessage().contains("come back later"), e.getMessage());
        submit(1, MUCH);
        await(2);
        while (run.isWorking()) { // its bytes count until then
            Thread.sleep(1);
        }
        futures.drop("run:3");
        submit(4, MUCH); // nothing waits any more
        submit(3, MUCH);
        await(4);
        assertEquals(List.of(1L, 2L, 3L, 4L), done);
    }

    @Test
    void theEndWaitsForWhatIsUnderWayAndGivesUpTheRest() throws Exception {
        var begun = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        run.submit(
                1,
                1,
                futures.open("run:1").orElseThrow(),
                () -> {
                    begun.countDown();
                    goOn.await();
                    Mockito.verify(training, Mockito.never()).close();
                    done.add(1L);
                    return new TinkerReply.Plain(Map.of());
                });
        begun.await();
        assertTrue(run.isWorking());
        submit(2, MUCH);
        Thread end = Thread.ofVirtual().start(run::close);
        assertEquals(new TinkerReply.Failed("the training has ended", false), await(2));
        assertFalse(end.join(Duration.ofMillis(50)));
        goOn.countDown();
        end.join();
        assertEquals(new TinkerReply.Plain(Map.of()), await(1));
        assertEquals(List.of(1L), done);
        Mockito.verify(training).close();
        assertThrows(ApiException.class, () -> submit(3, 1));

        run = new TinkerRun("run", "session", training, null);
        submit(4, MUCH); // would be too much if what was given up still counted
        run.close();
    }

    @Test
    void anOldResultIsForgottenAndAYoungOneKept() throws InterruptedException {
        submit(1, 1);
        await(1);
        futures.sweep();
        assertEquals(new TinkerReply.Plain(Map.of()), await(1));
        var brief = new TinkerFutures(Duration.ZERO);
        assertTrue(brief.open("waits").isPresent());
        brief.open("done").orElseThrow().end(new TinkerReply.Plain(Map.of()));
        Thread.sleep(1);
        brief.sweep();
        assertThrows(ApiException.class, () -> brief.await("done", Duration.ZERO));
        assertTrue(brief.await("waits", Duration.ZERO).isEmpty());
    }
}
