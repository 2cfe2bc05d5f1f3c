package org.attune.trainers.report;

import org.attune.error.ConfigException;
import org.attune.trainers.config.ConfigProblem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The reports of one run: those that every run has, and those that `report_to` asks for.
public final class RunReports implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunReports.class);

    private final Map<String, RunReport> reports = new LinkedHashMap<>();

    private RunReports() {}

    /// Opens them.
    ///
    /// @throws ConfigException if `report_to` names what isn't there, or a reporter needs what is
    ///     missing or wrong
    public static RunReports open(RunSettings run) {
        List<String> asked = run.training().log().reportTo();
        for (ConfigProblem problem : RunReporters.problems(asked)) {
            throw ConfigException.about(
                    problem.key(), problem.value() + "; accepted: " + problem.accepted());
        }
        var all = new RunReports();
        try {
            RunReporters.all()
                    .forEach(
                            (name, reporter) -> {
                                if (reporter.always() || asked.contains(name)) {
                                    all.reports.put(name, reporter.open(run));
                                }
                            });
        } catch (RuntimeException | Error e) {
            all.close();
            throw e;
        }
        return all;
    }

    /// The reports in the order in which they were opened.
    public List<RunReport> listeners() {
        return List.copyOf(reports.values());
    }

    /// Lets each write what needs the run's other files.
    public void write() {
        reports.forEach(
                (name, report) -> {
                    try {
                        report.write();
                    } catch (IOException | RuntimeException | LinkageError e) {
                        LOG.warn("{} was not written: {}", name, e.toString());
                    }
                });
    }

    @Override
    public void close() {
        reports.forEach(
                (name, report) -> {
                    try {
                        report.close();
                    } catch (RuntimeException e) {
                        LOG.warn("the report {} was not ended: {}", name, e.toString());
                    }
                });
    }
}
