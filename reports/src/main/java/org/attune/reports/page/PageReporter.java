package org.attune.reports.page;

import org.attune.trainers.report.RunReport;
import org.attune.trainers.report.RunReporter;
import org.attune.trainers.report.RunSettings;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Writes the page about every run, when it has ended.
public final class PageReporter implements RunReporter {
    @Override
    public String name() {
        return ReportPage.NAME;
    }

    @Override
    public boolean always() {
        return true;
    }

    @Override
    public RunReport open(RunSettings run) {
        return new RunReport() {
            @Override
            public void write() throws IOException {
                Path folder = run.folder();
                ReportPage.write(
                        List.of(folder),
                        List.of(run.training().log().runName().orElse(folder.toString())),
                        _ -> Optional.of(run.defaults()),
                        folder.resolve(ReportPage.NAME));
            }
        };
    }
}
