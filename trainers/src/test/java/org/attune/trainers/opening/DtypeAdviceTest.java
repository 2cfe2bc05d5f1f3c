package org.attune.trainers.opening;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.models.DtypeChoice;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Test;

import java.util.Optional;

class DtypeAdviceTest {
    @Test
    void slowBfloat16IsSaidWithTheKeyThatChangesIt() {
        String taken = DtypeAdvice.of(DtypeChoice.AUTO, DType.FLOAT32).orElseThrow();
        assertTrue(taken.contains("computing in float32"), taken);
        assertTrue(taken.contains("dtype: bfloat16 forces it"), taken);
        String forced = DtypeAdvice.of(DtypeChoice.BFLOAT16, DType.FLOAT32).orElseThrow();
        assertTrue(forced.contains("dtype: auto takes float32"), forced);
    }

    @Test
    void nothingIsSaidWhereItMakesNoDifference() {
        for (DtypeChoice choice : DtypeChoice.values()) {
            assertEquals(Optional.empty(), DtypeAdvice.of(choice, DType.BFLOAT16));
        }
        assertEquals(Optional.empty(), DtypeAdvice.of(DtypeChoice.FLOAT32, DType.FLOAT32));
    }
}
