package org.attune.reward.external;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.program.GivenPrograms;
import org.attune.program.ProgramSearch;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.RewardUnavailableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A reward function in TRL's form, in Python, as TRL's `reward_funcs` names it:
/// `my_rewards.accuracy`, or of a file `rewards.py:accuracy`.
///
/// It is called as TRL calls it, with `prompts`, `completions`, `completion_ids`, `log_extra`,
/// `log_metric` and a list for each further column, of a whole round, and returns a number or None
/// for each completion. It may be `async`. What TRL has besides, `trainer_state` and
/// `environments`, it is not given. A module is looked for beside the run's file, in the folder in
/// which this process runs, and where Python looks.
///
/// It runs in Python by a small program, `trl_reward.py`, that speaks the protocol of
/// [ProcessReward]. That is started at once, so that what is wrong is told at the start.
public final class PythonReward implements RewardFunction, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PythonReward.class);

    private static final Pattern FUNCTION =
            Pattern.compile(
                    "(?:(?<file>.+\\.py)::?|(?<module>[^\\W\\d]\\w*(?:\\.[^\\W\\d]\\w*)*)\\.)"
                            + "(?<name>[^\\W\\d]\\w*)",
                    Pattern.UNICODE_CHARACTER_CLASS);

    /// Time to import the module, which may import the libraries of a model.
    private static final Duration IMPORT = Duration.ofMinutes(5);

    private final ProcessReward process;
    private final Set<String> columns;
    private final Optional<Path> file;

    private PythonReward(ProcessReward process, Set<String> columns, Optional<Path> file) {
        this.process = process;
        this.columns = columns;
        this.file = file;
    }

    /// Whether a text names a function so, rather than a file.
    public static boolean fits(String text) {
        return FUNCTION.matcher(text).matches() && !text.endsWith(".py") && !text.endsWith(".java");
    }

    /// Starts Python and has it import the function.
    ///
    /// @param text that [#fits]
    /// @param python a path or a name of the search path; empty: `python3`, else `python`
    /// @param directory of the run's file
    /// @param environment its variables beside those of this process
    /// @throws ConfigException if there is no such Python, the function can't be imported, or it
    ///     doesn't take what TRL gives
    public static PythonReward start(
            String text,
            String python,
            Path directory,
            Map<String, String> environment,
            RewardLimits limits) {
        Matcher function = FUNCTION.matcher(text);
        if (!function.matches()) {
            throw new IllegalArgumentException(text + " names no function of Python");
        }
        String program = python(text, python, directory);
        String module =
                function.group("file") == null
                        ? function.group("module")
                        : file(function.group("file"), directory);
        Path here = Path.of("").toAbsolutePath();
        List<Path> folders =
                Stream.of(directory.toAbsolutePath().normalize(), here).distinct().toList();
        String name = function.group("name");
        List<String> command = new ArrayList<>(List.of(program, "-c", source(), module, name));
        folders.forEach(folder -> command.add(folder.toString()));
        GivenPrograms.tell("reward \"%s\"".formatted(name), List.of(program, text), here);
        var process = new ProcessReward(name, command, text, "", here, environment, limits);
        try {
            return described(process, text, program, folders);
        } catch (RuntimeException e) {
            process.close();
            throw e;
        }
    }

    private static PythonReward described(
            ProcessReward process, String text, String python, List<Path> folders) {
        JsonNode said;
        try {
            said = process.ask(Map.of(), IMPORT);
        } catch (RewardUnavailableException e) {
            throw new ConfigException(e.getMessage() + ". " + hint(text, python, folders), e);
        }
        Optional<Path> file =
                Optional.of(said.path("file"))
                        .filter(JsonNode::isTextual)
                        .map(path -> Path.of(path.asText()));
        if (said.has("error")) {
            throw new ConfigException(
                    "%s can't be used: %s%s. %s"
                            .formatted(
                                    text,
                                    said.get("error").asText(),
                                    file.map(path -> " (" + path + ")").orElse(""),
                                    hint(text, python, folders)));
        }
        Set<String> columns = new LinkedHashSet<>();
        said.path("columns").forEach(column -> columns.add(column.asText()));
        LOG.info(
                "reward {} is a function of {}, run by {}",
                process.name(),
                file.map(Path::toString).orElse(text),
                python);
        return new PythonReward(process, columns, file.filter(Files::isRegularFile));
    }

    private static String hint(String text, String python, List<Path> folders) {
        return "Modules are looked for in %s and where %s looks; {name: %s, program: PYTHON} takes another Python"
                .formatted(
                        folders.stream().map(Path::toString).collect(Collectors.joining(", ")),
                        python,
                        text);
    }

    private static String python(String text, String chosen, Path directory) {
        Path here = Path.of("");
        if (chosen.contains("/")) {
            // a link is kept: a virtual environment's Python is one
            String path =
                    GivenPath.input(chosen, directory).toAbsolutePath().normalize().toString();
            ProgramSearch.problem(path, here)
                    .ifPresent(
                            problem -> {
                                throw new ConfigException("program: " + problem);
                            });
            return path;
        }
        List<String> names = chosen.isEmpty() ? List.of("python3", "python") : List.of(chosen);
        return names.stream()
                .flatMap(name -> ProgramSearch.find(name, here).stream())
                .findFirst()
                .map(Path::toString)
                .orElseThrow(
                        () ->
                                new ConfigException(
                                        "%s needs Python 3: no folder of PATH has %s. Install it, or name one: {name: %s, program: /path/to/python3}"
                                                .formatted(
                                                        text, String.join(" or ", names), text)));
    }

    private static String file(String given, Path directory) {
        Path file = GivenPath.input(given, directory);
        if (!Files.isRegularFile(file)) {
            throw new ConfigException(
                    "there is no file %s; looked at %s"
                            .formatted(given, GivenPath.lookedAt(given, directory)));
        }
        return file.toAbsolutePath().normalize().toString();
    }

    private static String source() {
        try (InputStream source = PythonReward.class.getResourceAsStream("trl_reward.py")) {
            return new String(source.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The file of the function's module, if it has one.
    public Optional<Path> file() {
        return file;
    }

    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        return process.score(batch);
    }

    @Override
    public String name() {
        return process.name();
    }

    @Override
    public boolean wholeRound() {
        return process.wholeRound();
    }

    @Override
    public int concurrency() {
        return process.concurrency();
    }

    /// The function's parameters without a default, which some row at least must have.
    @Override
    public Set<String> usedColumns() {
        return columns;
    }

    @Override
    public void close() {
        process.close();
    }
}
