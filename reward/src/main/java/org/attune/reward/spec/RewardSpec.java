package org.attune.reward.spec;

import org.attune.error.ConfigException;
import org.attune.files.GivenPath;
import org.attune.json.Json;
import org.attune.program.GivenPrograms;
import org.attune.program.LineProgram;
import org.attune.program.ProgramSearch;
import org.attune.reward.RewardFunction;
import org.attune.reward.RewardLimits;
import org.attune.reward.WeightedReward;
import org.attune.reward.builtin.BuiltinRewards;
import org.attune.reward.builtin.Parameters;
import org.attune.reward.builtin.RewardKind;
import org.attune.reward.external.JavaRewards;
import org.attune.reward.external.ProcessReward;
import org.attune.reward.external.PythonReward;
import org.attune.reward.judge.JudgeReward;
import org.attune.reward.judge.JudgeSpec;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Makes reward functions of the value of `reward_funcs`: one entry, or a list of
/// ```
/// - gsm8k                                       # a built-in, by name
/// - {name: regex, pattern: '\d+', weight: 0.2}  # with parameters and a weight
/// - brevity                                     # a jar's kind on the class path, see RewardKind
/// - rewards/Polite.java                         # a source file
/// - class:com.acme.MyReward                     # a class on the class path
/// - my_rewards.accuracy                         # a function in TRL's form, see PythonReward
/// - rewards.py:accuracy                         # the same, of a file
/// - {command: [python, my_reward.py]}           # a program, see ProcessReward
/// - {judge: {base_url: …, model: …}}            # a language model at a server, see JudgeSpec
/// ```
/// As a map a source file is `{file: …}` and a class `{class: …}`. Every map may also have
/// `weight` (1), `label`, its name in metrics, `whole_round`, whether one call holds all
/// completions of a round ([RewardFunction#wholeRound]), and `isolation`: `thread`, or `process`
/// for a function that may spin or crash: it gets a separate JVM, which can be killed. Equal
/// names are numbered: `regex`, `regex_2`. Programs, and those apart by `isolation: process`, may
/// have `env`, variables beside those of this process, whose secrets they don't get
/// ([LineProgram]).
///
/// A caller in Java may give objects too, of [WeightedReward] or [RewardFunction].
///
/// Paths of files are looked for where the process runs, then in the given directory
/// ([GivenPath#input]), in which programs run.
public final class RewardSpec {
    private static final Set<String> KINDS = Set.of("name", "file", "class", "command", "judge");

    private final Path directory;
    private final RewardLimits limits;
    private final List<String> problems = new ArrayList<>();
    private final Set<String> names = new HashSet<>();

    private RewardSpec(Path directory, RewardLimits limits) {
        this.directory = directory;
        this.limits = limits;
    }

    /// Makes all functions.
    ///
    /// @param rewardFuncs texts, maps, and lists of them, as a YAML reader gives them
    /// @param directory of the configuration file
    /// @throws ConfigException with the problems of all entries
    public static List<WeightedReward> parse(
            Object rewardFuncs, Path directory, RewardLimits limits) {
        return new RewardSpec(directory, limits).all(rewardFuncs);
    }

    /// Gives reward functions the weights of `reward_weights`.
    ///
    /// @param weights one per function; each must be finite
    /// @throws ConfigException if there are more or fewer, or an entry has its own weight
    public static List<WeightedReward> withWeights(
            List<WeightedReward> rewards, List<Double> weights) {
        if (weights.size() != rewards.size()) {
            throw new ConfigException(
                    "reward_weights has %d values for %d reward_funcs; give one for each"
                            .formatted(weights.size(), rewards.size()));
        }
        var weighted = new ArrayList<WeightedReward>();
        for (int i = 0; i < weights.size(); i++) {
            WeightedReward reward = rewards.get(i);
            if (reward.weight() != 1) {
                throw new ConfigException(
                        "reward \"%s\" has weight %s in reward_funcs and %s in reward_weights; keep one"
                                .formatted(reward.name(), reward.weight(), weights.get(i)));
            }
            if (weights.get(i) == null || !Double.isFinite(weights.get(i))) {
                throw new ConfigException(
                        "reward_weights must be finite numbers, got " + weights.get(i));
            }
            weighted.add(new WeightedReward(reward.function(), weights.get(i)));
        }
        return weighted;
    }

    private List<WeightedReward> all(Object rewardFuncs) {
        List<?> entries = rewardFuncs instanceof List<?> list ? list : List.of(rewardFuncs);
        if (entries.isEmpty()) {
            throw new ConfigException("reward_funcs is empty; name at least one reward");
        }
        var rewards = new ArrayList<WeightedReward>();
        for (int i = 0; i < entries.size(); i++) {
            try {
                rewards.add(entry(entries.get(i)));
            } catch (ConfigException e) {
                problems.add("reward_funcs[%d]: %s".formatted(i, e.getMessage()));
            }
        }
        if (!problems.isEmpty()) {
            rewards.forEach(RewardSpec::close);
            throw new ConfigException(String.join("\n", problems));
        }
        return rewards;
    }

    private static void close(WeightedReward reward) {
        if (reward.function() instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (Exception e) {
                throw new IllegalStateException("could not close " + reward.name() + ": " + e, e);
            }
        }
    }

    private WeightedReward entry(Object entry) {
        return switch (entry) {
            case String text -> new WeightedReward(unique(named(text, Map.of(), Map.of())), 1);
            case Map<?, ?> map -> configured(map);
            case WeightedReward given ->
                    new WeightedReward(unique(given.function()), given.weight());
            case RewardFunction given -> new WeightedReward(unique(given), 1);
            case null, default ->
                    throw new ConfigException(
                            "a reward is a text or a map, got %s".formatted(entry));
        };
    }

    /// @param environment of a function of Python
    private RewardFunction named(
            String text, Map<String, Object> parameters, Map<String, String> environment) {
        if (text.endsWith(".java")) {
            noParameters(parameters);
            Path file = GivenPath.input(text, directory);
            return JavaRewards.fromFile(file).madeOf(RewardContent.ofFiles(List.of(file)));
        }
        if (text.startsWith("class:")) {
            noParameters(parameters);
            var made = JavaRewards.fromClass(text.substring("class:".length()).strip());
            return made.madeOf(RewardContent.ofClass(made.getClass()));
        }
        if (text.endsWith(".py")) {
            throw new ConfigException(
                    "%s is Python; name its function, as %s:accuracy, or run it as a program: {command: [python3, %s]}"
                            .formatted(text, text, text));
        }
        if (PythonReward.fits(text)) {
            return python(text, parameters, environment);
        }
        RewardFunction made = BuiltinRewards.create(text, parameters, directory);
        RewardKind kind = BuiltinRewards.kinds().get(text);
        if (kind != null) {
            return made.madeOf(RewardContent.ofClass(kind.getClass()));
        }
        return parameters.get("schema_file") instanceof String file
                ? made.madeOf(RewardContent.ofFiles(List.of(Path.of(file))))
                : made;
    }

    /// What a text names that is both, a path or a function, is a path.
    private RewardFunction python(
            String text, Map<String, Object> parameters, Map<String, String> environment) {
        if (GivenPath.exists(text, directory)) {
            throw new ConfigException(
                    "%s is the path %s, and there is no reward model; rename it if you mean Python's module.function"
                            .formatted(text, GivenPath.input(text, directory).toAbsolutePath()));
        }
        var given = new Parameters("reward \"%s\"".formatted(text), parameters);
        String program = given.text("program", "");
        given.check();
        var made = PythonReward.start(text, program, directory, environment, limits);
        return made.madeOf(RewardContent.ofFiles(made.file().stream().toList()));
    }

    private static void noParameters(Map<String, Object> parameters) {
        if (!parameters.isEmpty()) {
            throw new ConfigException(
                    "%s: a reward that isn't built in takes no parameters here, only label and weight"
                            .formatted(parameters.keySet()));
        }
    }

    private WeightedReward configured(Map<?, ?> map) {
        var rest = new LinkedHashMap<String, Object>();
        map.forEach((key, value) -> rest.put(String.valueOf(key), value));
        double weight = weight(rest.remove("weight"));
        Object label = rest.remove("label");
        Object isolation = rest.remove("isolation");
        Object whole = rest.remove("whole_round");
        Object variables = rest.remove("env");
        String inProcess = Json.write(rest);
        List<String> kinds = rest.keySet().stream().filter(KINDS::contains).toList();
        if (kinds.size() != 1) {
            throw new ConfigException(
                    "a reward needs exactly one of name, file, class, command and judge, got "
                            + rest.keySet());
        }
        Object value = rest.remove(kinds.getFirst());
        rest.computeIfPresent(
                "schema_file",
                (_, file) -> GivenPath.input(String.valueOf(file), directory).toString());
        boolean isPython =
                kinds.getFirst().equals("name") && PythonReward.fits(String.valueOf(value));
        boolean isProgram = isPython || kinds.getFirst().equals("command");
        boolean isApart = isolated(isolation) && !isProgram;
        Map<String, String> environment = environment(variables, isProgram || isApart);
        RewardFunction function =
                switch (kinds.getFirst()) {
                    case "command" -> program(value, environment, rest);
                    case "judge" -> judge(value, label, isolation, rest);
                    case "file" -> named(suffixed(value), rest, environment);
                    case "class" -> named("class:" + value, rest, environment);
                    default -> named(String.valueOf(value), rest, environment);
                };
        if (isApart) {
            ProcessReward server = server(function.name(), inProcess, environment);
            function = new IsolatedReward(function, server);
        }
        RewardFunction labelled = label == null ? function : function.named(label.toString());
        return new WeightedReward(unique(called(labelled, whole)), weight);
    }

    private static RewardFunction called(RewardFunction function, Object whole) {
        return switch (whole) {
            case null -> function;
            case Boolean asked -> function.wholeRounds(asked);
            default -> throw new ConfigException("whole_round must be true or false, got " + whole);
        };
    }

    private RewardFunction judge(
            Object value, Object label, Object isolation, Map<String, Object> rest) {
        noParameters(rest);
        if (isolation != null) {
            throw new ConfigException(
                    "isolation is of no use for a judge, which works at a server; leave it out");
        }
        return new JudgeReward(
                label == null ? "judge" : label.toString(), JudgeSpec.of(value, directory));
    }

    private static boolean isolated(Object isolation) {
        if (isolation == null || isolation.equals("thread")) {
            return false;
        }
        if (isolation.equals("process")) {
            return true;
        }
        throw new ConfigException("isolation must be thread or process, got " + isolation);
    }

    private static Map<String, String> environment(Object variables, boolean isProgram) {
        if (variables != null && !isProgram) {
            throw new ConfigException(
                    "env is of no use for a reward that runs in this process; leave it out");
        }
        Map<String, Object> given = variables == null ? Map.of() : Map.of("env", variables);
        var parameters = new Parameters("reward", given);
        Map<String, String> environment = parameters.variables("env");
        parameters.check();
        return environment;
    }

    private ProcessReward server(String name, String entry, Map<String, String> environment) {
        Path root = directory.toAbsolutePath();
        List<String> command =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        absolute(System.getProperty("java.class.path")),
                        RewardServer.class.getName(),
                        entry,
                        root.toString());
        return new ProcessReward(name, command, root, environment, limits);
    }

    /// The process runs in another folder.
    private static String absolute(String classPath) {
        return Arrays.stream(classPath.split(Pattern.quote(File.pathSeparator)))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static String suffixed(Object file) {
        String text = String.valueOf(file);
        if (!text.endsWith(".java")) {
            throw new ConfigException("file must name a .java file, got " + text);
        }
        return text;
    }

    private static double weight(Object weight) {
        return switch (weight) {
            case null -> 1;
            case Number number when Double.isFinite(number.doubleValue()) -> number.doubleValue();
            default -> throw new ConfigException("weight must be a finite number, got " + weight);
        };
    }

    private RewardFunction program(
            Object command, Map<String, String> environment, Map<String, Object> rest) {
        noParameters(rest);
        var words = new ArrayList<String>();
        if (command instanceof List<?> list) {
            list.forEach(word -> words.add(String.valueOf(word)));
        } else if (command instanceof String line) {
            words.addAll(List.of(line.strip().split("\\s+")));
        }
        for (int i = 0; i < words.size(); i++) {
            // The first is a program of the search path, unless it is written as a path.
            if (i > 0 || words.getFirst().contains("/")) {
                words.set(i, file(words.get(i)));
            }
        }
        if (words.isEmpty() || words.getFirst().isEmpty()) {
            throw new ConfigException(
                    "command must be a list with a program and its arguments, got " + command);
        }
        ProgramSearch.problem(words.getFirst(), directory)
                .ifPresent(
                        problem -> {
                            throw new ConfigException("command: " + problem);
                        });
        // the script rather than the interpreter gives the name
        String last = Path.of(words.getLast()).getFileName().toString();
        String name = last.replaceFirst("\\.\\w+$", "");
        var made =
                new ProcessReward(
                        name.isEmpty() ? "command" : name,
                        words,
                        directory.toAbsolutePath(),
                        environment,
                        limits);
        GivenPrograms.tell("reward \"%s\"".formatted(made.name()), words, directory);
        List<Path> files = words.stream().filter(w -> w.startsWith("/")).map(Path::of).toList();
        return made.madeOf(
                RewardContent.ofFiles(files.stream().filter(Files::isRegularFile).toList()));
    }

    /// A word that names a file is found from wherever the program runs.
    private String file(String word) {
        boolean mayBe = word.matches("[^-\\s$][^\\s$]*");
        return mayBe && Files.isRegularFile(GivenPath.input(word, directory))
                ? GivenPath.input(word, directory).toAbsolutePath().normalize().toString()
                : word;
    }

    private RewardFunction unique(RewardFunction function) {
        String name = function.name();
        String free = name;
        for (int i = 2; !names.add(free); i++) {
            free = name + "_" + i;
        }
        return free.equals(name) ? function : function.named(free);
    }
}
