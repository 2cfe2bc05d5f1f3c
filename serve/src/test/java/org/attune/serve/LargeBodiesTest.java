package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

class LargeBodiesTest {
    private final LargeBodies bodies = new LargeBodies(Duration.ofMillis(1));

    private static Call call() {
        return new Call(null, "", null, new ArrayList<>());
    }

    private int read(int bytes, Call call) throws Exception {
        return bodies.read(new ByteArrayInputStream(new byte[bytes]), call).length;
    }

    @Test
    void allBytesAreReadUpToTheMost() throws Exception {
        for (int bytes :
                List.of(0, 7, Call.MOST_BYTES, Call.MOST_BYTES + 1, LargeBodies.MOST_BYTES)) {
            Call call = call();
            assertEquals(bytes, read(bytes, call));
            assertEquals(bytes > Call.MOST_BYTES ? 1 : 0, call.ends().size());
            call.ends().forEach(Runnable::run);
        }
        assertEquals(LargeBodies.MOST_BYTES + 1, read(LargeBodies.MOST_BYTES + 9, call()));
    }

    @Test
    void aLargeBodyHasItsPlaceUntilItsRequestWasAnswered() throws Exception {
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            calls.add(call());
            read(Call.MOST_BYTES + 1, calls.getLast());
        }
        var refused = assertThrows(ApiException.class, () -> read(Call.MOST_BYTES + 1, call()));
        assertEquals(503, refused.status());
        assertEquals(9, read(9, call()));
        calls.getFirst().ends().forEach(Runnable::run);
        assertEquals(Call.MOST_BYTES + 1, read(Call.MOST_BYTES + 1, call()));
    }
}
