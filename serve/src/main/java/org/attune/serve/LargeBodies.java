package org.attune.serve;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Reads bodies of requests with pictures. What is larger than other requests may be waits for one
/// of a few places, so that senders of such requests can't fill the memory. Thread-safe.
final class LargeBodies {
    /// Bytes that a body may have.
    static final int MOST_BYTES = 32 << 20;

    /// As many are held at once: as bytes, as text and as pictures one takes up to 150 MB.
    private static final int PLACES = 4;

    private final Semaphore places = new Semaphore(PLACES);
    private final Duration patience;

    LargeBodies() {
        this(Duration.ofSeconds(10)); // a third of the time that a request has to arrive
    }

    /// @param patience how long a request waits for a place
    LargeBodies(Duration patience) {
        this.patience = patience;
    }

    /// The bytes of a body, at most [#MOST_BYTES] and one more, which says that there are too many.
    /// A large one has its place until its request was answered.
    ///
    /// @throws ApiException if no place becomes free
    byte[] read(InputStream in, Call call) throws ApiException, IOException, InterruptedException {
        byte[] first = in.readNBytes(Call.MOST_BYTES + 1);
        if (first.length <= Call.MOST_BYTES) {
            return first;
        }
        if (!places.tryAcquire(patience.toMillis(), TimeUnit.MILLISECONDS)) {
            Call.skip(in);
            throw new ApiException(
                    503,
                    "overloaded",
                    "%d requests of more than %d MiB are being answered; try again later, or send smaller pictures"
                            .formatted(PLACES, Call.MOST_BYTES >> 20));
        }
        call.afterwards(places::release);
        return new SequenceInputStream(new ByteArrayInputStream(first), in)
                .readNBytes(MOST_BYTES + 1);
    }
}
