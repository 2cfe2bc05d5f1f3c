package org.attune.agents.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/// What a running program writes: the beginning and the end of it, however much there is. Reads on
/// a separate thread, so that the program never waits at a full pipe.
final class ProgramOutput {
    private static final int CHUNK = 8192;

    private final int most;
    private final Object lock = new Object();
    private final StringBuilder head = new StringBuilder(); // guarded by lock, as what follows
    private final StringBuilder tail = new StringBuilder();
    private long leftOut;
    private boolean ended;

    /// @param most characters that are kept
    ProgramOutput(int most) {
        this.most = most;
    }

    void serve(InputStream stream) {
        Thread.ofPlatform().daemon().name("sandbox-output").start(() -> read(stream));
    }

    private void read(InputStream stream) {
        try (Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
            char[] chunk = new char[CHUNK];
            int count;
            while ((count = reader.read(chunk)) >= 0) {
                add(chunk, count);
            }
        } catch (IOException e) {
            // the pipe was closed under it: there is no more to come
        } finally {
            synchronized (lock) {
                ended = true;
                lock.notifyAll();
            }
        }
    }

    private void add(char[] chunk, int count) {
        synchronized (lock) {
            int toHead = Math.min(count, most / 2 - head.length());
            head.append(chunk, 0, toHead);
            tail.append(chunk, toHead, count - toHead);
            int excess = tail.length() - (most - most / 2);
            if (excess > CHUNK) {
                leftOut += excess;
                tail.delete(0, excess);
            }
            lock.notifyAll();
        }
    }

    /// Waits until all was read, at most so long.
    void awaitEnd(Duration most) throws InterruptedException {
        await(most, () -> ended);
    }

    /// Waits until what was written ends with a text.
    ///
    /// @return false if it didn't in time, or the output ended before
    boolean awaitEnding(String ending, Duration most) throws InterruptedException {
        await(most, () -> ended || endsWith(ending));
        synchronized (lock) {
            return endsWith(ending);
        }
    }

    /// Whether there is no more to come.
    boolean hasEnded() {
        synchronized (lock) {
            return ended;
        }
    }

    private boolean endsWith(String ending) {
        StringBuilder last = tail.length() >= ending.length() ? tail : head;
        if (last == tail || tail.isEmpty()) {
            return last.length() >= ending.length()
                    && last.indexOf(ending, last.length() - ending.length()) >= 0;
        }
        return (head.toString() + tail).endsWith(ending);
    }

    private void await(Duration most, BooleanSupplier isThere) throws InterruptedException {
        long end = System.nanoTime() + most.toNanos();
        synchronized (lock) {
            long left;
            while (!isThere.getAsBoolean() && (left = end - System.nanoTime()) > 0) {
                lock.wait(left / 1_000_000 + 1);
            }
        }
    }

    /// What was written since the last call, with a notice where something is left out.
    String take() {
        synchronized (lock) {
            int excess = tail.length() - (most - most / 2);
            if (excess > 0) {
                leftOut += excess;
                tail.delete(0, excess);
            }
            if (leftOut > 0) {
                keepWholeCharacters();
            }
            String text =
                    leftOut == 0
                            ? head.toString() + tail
                            : "%s\n… %d characters left out …\n%s".formatted(head, leftOut, tail);
            head.setLength(0);
            tail.setLength(0);
            leftOut = 0;
            return text;
        }
    }

    private void keepWholeCharacters() {
        if (!head.isEmpty() && Character.isHighSurrogate(head.charAt(head.length() - 1))) {
            head.setLength(head.length() - 1);
        }
        if (!tail.isEmpty() && Character.isLowSurrogate(tail.charAt(0))) {
            tail.deleteCharAt(0);
        }
    }
}
