package org.attune.trainers.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.files.AtomicFile;
import org.attune.json.Json;
import org.attune.records.CopyMethods;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// What `run.json` says: which process makes a run, by which command, and how far it is.
///
/// @param method as in a command, e.g. `dpo`
/// @param name the key `run_name`
/// @param state as the run itself knows it; a killed one can't change it any more
/// @param worker the process
/// @param command program and arguments, tokens left out
/// @param directory in which the command runs
/// @param version of Attune
/// @param libtorch version and folder of the libtorch in use; empty before it is loaded
/// @param started when this process took up the run
/// @param beat when the file was last written
/// @param step optimizer steps done
/// @param plannedSteps steps when the run is finished; 0 before they are known
/// @param failure why it failed
/// @param facts what the run ran on and from: machine, versions, fingerprints of model and data
@CopyMethods
public record RunCard(
        String method,
        Optional<String> name,
        State state,
        RunProcess worker,
        List<String> command,
        String directory,
        String version,
        Optional<String> libtorch,
        Instant started,
        Instant beat,
        int step,
        int plannedSteps,
        Optional<String> failure,
        Map<String, String> facts)
        implements RunCardCopies {
    public static final String NAME = "run.json";

    /// Where a run stands.
    public enum State {
        /// Model and data are read, or a first evaluation runs.
        STARTING,
        RUNNING,
        /// Asked to stop before its last step; it can be resumed.
        STOPPED,
        FAILED,
        FINISHED;

        private String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public RunCard {
        command = List.copyOf(command);
        facts = new LinkedHashMap<>(facts);
    }

    /// Whether the run still works, as far as the file knows.
    public boolean isUnderWay() {
        return state == State.STARTING || state == State.RUNNING;
    }

    /// Whether the file says that the run is under way, and its process is gone.
    public boolean isDead() {
        return isUnderWay() && worker.isGone();
    }

    RunCard at(State newState, Instant now, int newStep, int steps) {
        return withState(newState).withBeat(now).withStep(newStep).withPlannedSteps(steps);
    }

    RunCard with(Map<String, String> more) {
        Map<String, String> all = new LinkedHashMap<>(facts);
        all.putAll(more);
        return withFacts(all);
    }

    RunCard failed(Instant now, String why) {
        return withState(State.FAILED).withBeat(now).withFailure(why);
    }

    void write(Path file) throws IOException {
        ObjectNode fields = Json.object();
        fields.put("method", method);
        fields.put("name", name.orElse(null));
        fields.put("state", state.text());
        fields.put("pid", worker.pid());
        fields.put("process_started", worker.started().map(Instant::toString).orElse(null));
        fields.put("host", worker.host());
        command.forEach(fields.putArray("command")::add);
        fields.put("directory", directory);
        fields.put("attune", version);
        fields.put("libtorch", libtorch.orElse(null));
        fields.put("started", started.toString());
        fields.put("last_beat", beat.toString());
        fields.put("step", step);
        fields.put("planned_steps", plannedSteps);
        fields.put("failure", failure.orElse(null));
        ObjectNode known = fields.putObject("facts");
        facts.forEach(known::put);
        AtomicFile.writeText(file, Json.pretty(fields));
    }

    /// Reads a run's file.
    ///
    /// @return empty if there is none
    /// @throws IOException if it can't be read, or is something else
    public static Optional<RunCard> read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        JsonNode fields = Json.tree(Files.readString(file));
        List<String> command = new ArrayList<>();
        fields.path("command").forEach(word -> command.add(word.asText()));
        Map<String, String> facts = new LinkedHashMap<>();
        fields.path("facts")
                .properties()
                .forEach(fact -> facts.put(fact.getKey(), fact.getValue().asText()));
        try {
            return Optional.of(
                    new RunCard(
                            fields.path("method").asText(),
                            text(fields, "name"),
                            State.valueOf(fields.path("state").asText().toUpperCase(Locale.ROOT)),
                            new RunProcess(
                                    fields.path("pid").asLong(),
                                    fields.path("host").asText(),
                                    text(fields, "process_started").map(Instant::parse)),
                            command,
                            fields.path("directory").asText(),
                            fields.path("attune").asText(),
                            text(fields, "libtorch"),
                            Instant.parse(fields.path("started").asText()),
                            Instant.parse(fields.path("last_beat").asText()),
                            fields.path("step").asInt(),
                            fields.path("planned_steps").asInt(),
                            text(fields, "failure"),
                            facts));
        } catch (IllegalArgumentException | DateTimeParseException e) {
            throw new IOException(file + " is no run's: " + e.getMessage(), e);
        }
    }

    private static Optional<String> text(JsonNode fields, String key) {
        return Optional.ofNullable(fields.path(key).textValue());
    }
}
