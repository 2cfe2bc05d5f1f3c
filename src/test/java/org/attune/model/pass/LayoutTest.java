package org.attune.model.pass;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

import java.util.List;

class LayoutTest {
    /// RoPE whose factors depend on the length of a text must not see that its end has no rows.
    @Test
    void aTextIsAsLongAsItsTokens() {
        var spans =
                List.of(
                        new Layout.Span(-1, 0, 3, true, 0),
                        new Layout.Span(0, 3, 4, true, 2), // 6 tokens
                        new Layout.Span(0, 4, 4, true, 4), // 7
                        new Layout.Span(-1, 4, 6, true, 1)); // 3
        int[] positions = {0, 1, 2, 3, 0, 1};
        assertArrayEquals(
                new int[] {7, 7, 7, 7, 3, 3},
                new Layout(new int[6], positions, spans).totalLengths());
    }
}
