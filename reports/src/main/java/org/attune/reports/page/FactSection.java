package org.attune.reports.page;

import org.attune.trainers.report.RunCard;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/// What was run: method, model and data with their fingerprints, versions, machine, command, seed.
final class FactSection {
    private FactSection() {}

    static Section of(List<ReportedRun> runs) {
        var body = new Html();
        List<Map<String, String>> facts = runs.stream().map(FactSection::facts).toList();
        var names = new LinkedHashSet<String>();
        facts.forEach(some -> names.addAll(some.keySet()));
        List<String> heads = new ArrayList<>(List.of("what"));
        runs.forEach(run -> heads.add(run.name()));
        body.table("What was run", heads.toArray(String[]::new));
        for (String name : names) {
            List<String> cells = new ArrayList<>(List.of(name));
            facts.forEach(some -> cells.add(some.getOrDefault(name, "–")));
            body.row(cells.toArray(String[]::new));
        }
        body.endTable();
        return new Section("facts", "What was run", body);
    }

    private static Map<String, String> facts(ReportedRun run) {
        Map<String, String> facts = new LinkedHashMap<>();
        Optional<RunCard> card = run.card();
        facts.put("method", run.method());
        facts.put("state", run.state());
        facts.put(
                "steps",
                run.steps()
                        + card.filter(c -> c.plannedSteps() > 0)
                                .map(c -> " of " + c.plannedSteps())
                                .orElse(""));
        facts.put("model", run.setting("model_name_or_path"));
        facts.put("adapter at the start", run.setting("adapter_name_or_path"));
        facts.put("reference", run.setting("ref_model_name_or_path"));
        facts.put("data", paths(run.config().get("datasets")));
        facts.put("held-out data", paths(run.config().get("eval_datasets")));
        facts.put("seed", run.setting("seed"));
        card.ifPresent(c -> ofCard(facts, c));
        facts.put("folder", run.folder().toString());
        facts.values().removeIf(String::isBlank);
        return facts;
    }

    private static void ofCard(Map<String, String> facts, RunCard card) {
        facts.put("command", String.join(" ", card.command()));
        facts.put("in", card.directory());
        facts.put("Attune", card.version());
        facts.put("host", card.worker().host());
        facts.put("begun", card.started().toString());
        facts.put("last beat", card.beat().toString());
        facts.put("failure", card.failure().orElse(""));
        card.facts().forEach(facts::putIfAbsent);
    }

    /// Paths of a list of data sets.
    private static String paths(Object datasets) {
        if (!(datasets instanceof List<?> list)) {
            return datasets == null ? "" : datasets.toString();
        }
        List<String> paths = new ArrayList<>();
        for (Object dataset : list) {
            paths.add(
                    dataset instanceof Map<?, ?> fields && fields.get("path") != null
                            ? fields.get("path").toString()
                            : "" + dataset);
        }
        return String.join(", ", paths);
    }

    /// Settings of several runs that are not the same in all.
    static Section differences(List<ReportedRun> runs) {
        var body = new Html();
        var keys = new TreeSet<String>();
        runs.forEach(run -> keys.addAll(run.config().keySet()));
        keys.removeIf(
                key -> runs.stream().map(run -> "" + run.config().get(key)).distinct().count() < 2);
        if (keys.isEmpty()) {
            body.element("p", "All keys have the same values.");
            return new Section("config", "Keys that differ", body);
        }
        List<String> heads = new ArrayList<>(List.of("key"));
        runs.forEach(run -> heads.add(run.name()));
        body.table("Keys that differ", heads.toArray(String[]::new));
        for (String key : keys) {
            List<String> cells = new ArrayList<>(List.of(key));
            runs.forEach(run -> cells.add(ConfigSection.shown(run.config().get(key))));
            body.row(cells.toArray(String[]::new));
        }
        body.endTable();
        return new Section("config", "Keys that differ", body);
    }
}
