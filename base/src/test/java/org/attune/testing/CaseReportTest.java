package org.attune.testing;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

final class CaseReportTest {
    @Test
    void everyCaseRunsAndOneFailureFailsTheTest() {
        var report = new CaseReport("unit", getClass());
        report.run("good", () -> {});
        report.run("bad", () -> assertEquals(1, 2));
        report.run("after", () -> {});
        report.unsupported("exotic");
        AssertionError error = assertThrows(AssertionError.class, report::close);
        assertTrue(error.getMessage().startsWith("1 of 4 cases failed"), error.getMessage());
        assertTrue(error.getMessage().contains("bad"), error.getMessage());
    }

    @Test
    void unsupportedCasesDoNotFail() {
        var report = new CaseReport("unit", getClass());
        report.run("good", () -> {});
        report.unsupported("exotic");
        assertDoesNotThrow(report::close);
    }

    @Test
    void wherePartsOfTheProjectAreComparedNoneMayBeLeftOut() {
        var all = new CaseReport("unit", getClass()).requiring(1);
        all.run("good", () -> {});
        assertDoesNotThrow(all::close);
        var fewer = new CaseReport("unit", getClass()).requiring(2);
        fewer.run("good", () -> {});
        assertThrows(AssertionError.class, fewer::close);
        var without = new CaseReport("unit", getClass()).requiring(1);
        without.run("good", () -> {});
        without.unsupported("exotic");
        assertThrows(AssertionError.class, without::close);
    }

    @Test
    void noCaseAtAllFails() {
        var report = new CaseReport("unit", getClass());
        assertThrows(AssertionError.class, report::close);
    }

    @Test
    void whereNothingWasComparedTheTestIsSkipped() {
        var others = new CaseReport("unit", getClass());
        others.elsewhere();
        assertThrows(TestAbortedException.class, others::close);
        var exotic = new CaseReport("unit", getClass());
        exotic.unsupported("exotic");
        assertThrows(TestAbortedException.class, exotic::close);
        var bad = new CaseReport("unit", getClass());
        bad.elsewhere();
        bad.run("bad", () -> assertEquals(1, 2));
        assertThrows(AssertionError.class, bad::close);
        var required = new CaseReport("unit", getClass()).requiring(1);
        required.elsewhere();
        assertThrows(AssertionError.class, required::close);
    }
}
