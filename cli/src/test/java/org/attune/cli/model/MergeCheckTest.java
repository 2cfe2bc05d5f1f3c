package org.attune.cli.model;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Test;

/// Figures worked by hand: base (3, 4) and an adapter that gives (6, 8), of size 10.
class MergeCheckTest {
    private static MergeCheck check(DType dtype, float... merged) {
        return new MergeCheck(new float[] {3, 4}, new float[] {6, 8}, merged, dtype);
    }

    private static void refused(MergeCheck check) {
        double tolerance = MergeCheck.tolerance(check.dtype());
        var e = assertThrows(ModelException.class, () -> check.require(tolerance));
        assertTrue(e.getMessage().contains("is written"), e.getMessage());
    }

    private static void accepted(MergeCheck check) {
        assertDoesNotThrow(() -> check.require(MergeCheck.tolerance(check.dtype())));
    }

    @Test
    void differencesAreSharesOfTheSize() {
        assertEquals(0.5, check(DType.FLOAT32, 6, 8).effect(), 1e-12);
        assertEquals(0.1, check(DType.FLOAT32, 6, 7).difference(), 1e-12);
    }

    @Test
    void theDtypeSaysWhatIsAccepted() {
        accepted(check(DType.FLOAT32, 6, 8.005f));
        refused(check(DType.FLOAT32, 6, 8.02f));
        accepted(check(DType.FLOAT16, 6, 8.1f));
        refused(check(DType.FLOAT16, 6, 8.3f));
        accepted(check(DType.BFLOAT16, 6, 8.9f));
        refused(check(DType.BFLOAT16, 6, 9.1f));
        refused(check(DType.FLOAT32, 6, Float.NaN));
        refused(check(DType.FLOAT32, 6, 8, 1));
    }

    /// A weak adapter that is missing is near the tolerance, and still missing.
    @Test
    void anAdapterThatIsMissingIsSeen() {
        float[] base = {6, 7.995f};
        float[] adapted = {6, 8};
        refused(new MergeCheck(base, adapted, base, DType.FLOAT32));
        var half = new MergeCheck(base, adapted, base, DType.BFLOAT16);
        accepted(half);
        assertTrue(half.isDrowned());
        assertFalse(new MergeCheck(base, adapted, adapted, DType.BFLOAT16).isDrowned());
    }
}
