package org.attune.error;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

final class SpellingTest {
    private static Optional<String> meant(String name, String... candidates) {
        return Spelling.nearest(name, List.of(candidates));
    }

    @Test
    void anEditForEachThreeLettersIsNear() {
        assertEquals(Optional.of("top_k"), meant("topk", "top_k", "top_p"));
        assertEquals(Optional.of("beta"), meant("beat", "beta"), "a swap is one edit");
        assertEquals(Optional.of("Beta"), meant("beta", "Beta"), "case is no edit");
        assertEquals(Optional.empty(), meant("beta", "data"));
        assertEquals(Optional.of("loss_type"), meant("lost_typo", "loss_type"));
        assertEquals(Optional.empty(), meant("x".repeat(201), "x".repeat(200)));
    }

    @Test
    void ofEquallyNearOnesTheFirstByAlphabet() {
        assertEquals(Optional.of("top_k"), meant("top_x", "top_p", "top_k"));
        assertEquals(Optional.of("top_k"), meant("top_p", "top_p", "top_k"), "not the name itself");
    }
}
