package org.attune.board;

import org.attune.reports.runs.FoundRun;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.trainers.sweep.Sweep;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Sweeps whose trials are among the runs that the board shows.
///
/// @param index finds the runs
record SweepDesk(RunIndex index) {
    private static final String BEST = "best.yaml";

    /// `GET /api/sweeps`
    void list(Call call) throws IOException {
        List<Object> all = new ArrayList<>();
        for (Map.Entry<Path, List<RunIndex.Entry>> sweep : sweeps().entrySet()) {
            all.add(
                    Map.of(
                            "id", RunIndex.id(sweep.getKey()),
                            "name", name(sweep.getKey(), sweep.getValue()),
                            "trials", (long) sweep.getValue().size()));
        }
        call.json(all);
    }

    /// `GET /api/sweeps/ID` and `/api/sweeps/ID/best`
    void get(Call call) throws ApiException, IOException {
        String[] path = call.name().split("/", -1);
        Map<Path, List<RunIndex.Entry>> sweeps = sweeps();
        Path folder =
                sweeps.keySet().stream()
                        .filter(each -> RunIndex.id(each).equals(path[0]))
                        .findFirst()
                        .orElseThrow(() -> none("no sweep has the id " + path[0]));
        if (path.length == 1) {
            call.json(told(folder, sweeps.get(folder)));
        } else if (path.length == 2 && path[1].equals("best")) {
            if (!index.holds(folder.resolve(BEST))) {
                throw none("the sweep has no " + BEST + " yet: it is written at its end");
            }
            call.text("application/yaml", Files.readString(folder.resolve(BEST)));
        } else {
            throw none(path[1] + " isn't told of a sweep");
        }
    }

    private static ApiException none(String why) {
        return new ApiException(404, "not_found", why);
    }

    /// Folders of sweeps, with the runs that are their trials.
    private Map<Path, List<RunIndex.Entry>> sweeps() throws IOException {
        Map<Path, List<RunIndex.Entry>> found = new LinkedHashMap<>();
        for (RunIndex.Entry run : index.all()) {
            Path folder = run.folder().getParent();
            if (folder != null
                    && (found.containsKey(folder) || index.holds(folder.resolve(Sweep.JOURNAL)))) {
                found.computeIfAbsent(folder, _ -> new ArrayList<>()).add(run);
            }
        }
        return found;
    }

    private static String name(Path folder, List<RunIndex.Entry> trials) {
        String one = trials.getFirst().name();
        return one.contains("/")
                ? one.substring(0, one.lastIndexOf('/'))
                : String.valueOf(folder.getFileName());
    }

    private Map<String, Object> told(Path folder, List<RunIndex.Entry> trials)
            throws ApiException, IOException {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", name(folder, trials));
        fields.put("state", state(folder, trials));
        fields.put("has_best", index.holds(folder.resolve(BEST)));
        Map<String, Object> runs = new LinkedHashMap<>();
        for (RunIndex.Entry run : trials) {
            runs.put(
                    run.folder().getFileName().toString(),
                    Map.of("id", run.id(), "state", run.run().standing().text()));
        }
        fields.put("runs", runs);
        fields.putAll(Sweep.told(folder).orElseThrow(() -> none("the sweep's journal is gone")));
        return fields;
    }

    /// A sweep writes its best trial's keys at its end; one that was asked for more trials since
    /// has a newer journal.
    private String state(Path folder, List<RunIndex.Entry> trials) throws IOException {
        if (trials.stream().anyMatch(t -> t.run().standing() == FoundRun.Standing.RUNNING)) {
            return "running";
        }
        Path best = folder.resolve(BEST);
        boolean isOver =
                index.holds(best)
                        && Files.getLastModifiedTime(best)
                                        .compareTo(
                                                Files.getLastModifiedTime(
                                                        folder.resolve(Sweep.JOURNAL)))
                                >= 0;
        return isOver ? "finished" : "stopped";
    }
}
