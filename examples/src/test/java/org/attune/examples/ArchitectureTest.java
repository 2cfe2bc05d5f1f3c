package org.attune.examples;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The rules of the house that can be read from class files: which module and package may use
/// which, and what main code may not touch.
@Tag("thorough")
final class ArchitectureTest {
    private static final String ROOT = "org.attune.";

    /// Modules of several packages → those below `org.attune`.
    private static final Map<String, Set<String>> PACKAGES =
            Map.of(
                    "base", Set.of("api", "error", "hash", "json"),
                    "text", Set.of("text", "episode"),
                    "core",
                            Set.of(
                                    "http",
                                    "hub",
                                    "tensor",
                                    "ranks",
                                    "files",
                                    "model",
                                    "adapter",
                                    "policy",
                                    "optim",
                                    "checkpoint",
                                    "program"));

    /// Packages of optional modules beside packages of the core.
    private static final Map<String, String> OPTIONAL =
            Map.of(
                    "tensor.gpu", "cuda",
                    "tensor.nccl", "cuda",
                    "tensor.mpi", "ranks",
                    "ranks.mpi", "ranks",
                    "ranks.launch", "ranks");

    private static final Set<String> ROWS =
            Set.of("layout", "config", "batch", "loop", "step", "numerics", "rows", "opening");

    private static final Set<String> GENERATING =
            Set.of(
                    "layout",
                    "config",
                    "batch",
                    "loop",
                    "step",
                    "numerics",
                    "rows",
                    "onpolicy",
                    "memory",
                    "judges",
                    "opening");

    private static final Set<String> LIBRARY =
            onCore(
                    ("datasets auto rollout reward agents models feedback serve trainers reports"
                                    + " learn board bench")
                            .split(" "));

    /// Module → modules that its main code may use.
    private static final Map<String, Set<String>> MAY_USE =
            Map.ofEntries(
                    Map.entry("records", Set.of()),
                    Map.entry("jinja", Set.of()),
                    Map.entry("base", Set.of("jinja")),
                    Map.entry("images", Set.of("base")),
                    Map.entry("text", Set.of("jinja", "base", "images")),
                    Map.entry("core", Set.of("base", "images", "text")),
                    Map.entry("cuda", onCore()),
                    Map.entry("ranks", onCore()),
                    Map.entry("datasets", onCore()),
                    Map.entry("auto", onCore("datasets")),
                    Map.entry("rollout", onCore()),
                    Map.entry("reward", onCore()),
                    Map.entry("agents", onCore("rollout", "reward")),
                    Map.entry("models", onCore("rollout", "reward")),
                    Map.entry("feedback", Set.of("base")),
                    Map.entry("serve", onCore("rollout", "reward", "models", "feedback")),
                    Map.entry("langchain4j", onCore("models", "serve")),
                    Map.entry("springai", onCore("models", "serve")),
                    Map.entry(
                            "trainers",
                            onCore("datasets", "rollout", "reward", "agents", "models")),
                    Map.entry("reports", onCore("datasets", "reward", "models", "trainers")),
                    Map.entry(
                            "board",
                            onCore(
                                    "datasets",
                                    "models",
                                    "feedback",
                                    "serve",
                                    "trainers",
                                    "reports",
                                    "learn")),
                    Map.entry("bench", onCore("rollout", "reward", "models", "trainers")),
                    Map.entry("learn", onCore("rollout", "datasets", "auto", "models", "feedback")),
                    Map.entry("cli", LIBRARY),
                    Map.entry("examples", LIBRARY));

    /// Room of the trainers → rooms that it may use. A method's room knows no other method's.
    private static final Map<String, Set<String>> TRAINERS =
            Map.ofEntries(
                    Map.entry("examples", Set.of()),
                    Map.entry("prepare", Set.of()),
                    Map.entry("layout", Set.of()),
                    Map.entry("config", Set.of()),
                    Map.entry("numerics", Set.of()),
                    Map.entry("batch", Set.of()),
                    Map.entry("loop", Set.of("config", "batch")),
                    Map.entry("report", Set.of("config", "loop")),
                    Map.entry("sweep", Set.of("loop", "report")),
                    Map.entry("step", Set.of("layout", "config", "batch", "loop")),
                    Map.entry("rows", Set.of("layout", "config", "batch", "loop", "step")),
                    Map.entry("onpolicy", Set.of("layout", "config", "batch", "loop", "step")),
                    Map.entry("memory", Set.of("config", "batch", "loop", "onpolicy")),
                    Map.entry("judges", Set.of("layout", "config", "batch", "numerics")),
                    Map.entry(
                            "opening",
                            Set.of(
                                    "layout",
                                    "config",
                                    "batch",
                                    "loop",
                                    "step",
                                    "rows",
                                    "onpolicy",
                                    "memory",
                                    "judges")),
                    Map.entry("service", Set.of("layout", "loop", "grpo")),
                    Map.entry("sft", ROWS),
                    Map.entry("preference", ROWS),
                    Map.entry("unpaired", ROWS),
                    Map.entry("referencefree", ROWS),
                    Map.entry("scoring", ROWS),
                    Map.entry("heads", ROWS),
                    Map.entry("grpo", GENERATING),
                    Map.entry("samples", GENERATING),
                    Map.entry("distillation", GENERATING),
                    Map.entry("online", GENERATING),
                    Map.entry("ppo", GENERATING));

    /// Commands that use a model without training it.
    private static final List<String> USERS =
            List.of(
                    "chat.Chat",
                    "serve.Serve",
                    "eval.Eval",
                    "model.Merge",
                    "model.Export",
                    "generate.Generate",
                    "model.VerifyModel");

    private static JavaClasses main;

    /// What is above the core may use the core and what it stands on.
    private static Set<String> onCore(String... modules) {
        return Stream.concat(Stream.of("base", "images", "text", "core"), Stream.of(modules))
                .collect(Collectors.toSet());
    }

    @BeforeAll
    static void importMainClasses() {
        main =
                new ClassFileImporter()
                        .withImportOption(location -> !isTest(location))
                        .importPackages("org.attune");
    }

    private static boolean isTest(Location location) {
        return location.contains("/test-classes/") || location.contains("-tests.jar");
    }

    @Test
    void noSourceIsMissed() throws IOException {
        Path root = Path.of(System.getProperty("attune.root", ".."));
        var missed = new TreeSet<String>();
        int sources = 0;
        Matcher module =
                Pattern.compile("(?m)^ +<module>(\\w+)</module>")
                        .matcher(Files.readString(root.resolve("pom.xml")));
        while (module.find()) {
            String name = module.group(1);
            Path folder =
                    root.resolve(name.equals("src") ? "src/main/java" : name + "/src/main/java");
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                    String path = folder.relativize(file).toString().replaceFirst("\\.java$", "");
                    String type = path.replace(File.separatorChar, '.');
                    if (!path.endsWith("-info") && !main.contain(type)) {
                        missed.add(type);
                    }
                    sources++;
                }
            }
        }
        System.out.println(main.size() + " classes of " + sources + " sources");
        assertTrue(sources > 0, "no module in pom.xml");
        assertEquals(Set.of(), missed, "sources whose classes were not read");
    }

    @Test
    void modulesDependOnlyUpwards() {
        check(
                classes()
                        .should(
                                new ArchCondition<>("use only the modules below their own") {
                                    @Override
                                    public void check(JavaClass user, ConditionEvents events) {
                                        user.getDirectDependenciesFromSelf().stream()
                                                .filter(d -> isOurs(d.getTargetClass()))
                                                .filter(d -> !mayUse(user, d.getTargetClass()))
                                                .map(d -> d.getDescription())
                                                .map(t -> SimpleConditionEvent.violated(user, t))
                                                .forEach(events::add);
                                    }
                                }));
    }

    private static boolean isOurs(JavaClass type) {
        return type.getPackageName().startsWith(ROOT);
    }

    private static boolean mayUse(JavaClass user, JavaClass used) {
        String from = module(user);
        String to = module(used);
        return from.equals(to) || MAY_USE.get(from).contains(to);
    }

    /// The module that a class must be in by its package; an unknown package fails.
    private static String module(JavaClass type) {
        String name = type.getPackageName().substring(ROOT.length());
        String top = name.split("\\.", 2)[0];
        String module =
                OPTIONAL.containsKey(name)
                        ? OPTIONAL.get(name)
                        : PACKAGES.keySet().stream()
                                .filter(several -> PACKAGES.get(several).contains(top))
                                .findFirst()
                                .orElse(top);
        assertTrue(MAY_USE.containsKey(module), type.getName() + " is in a package of no module");
        return module;
    }

    @Test
    void everyPackageStandsInItsModuleOnly() {
        var places = new TreeMap<String, Set<String>>();
        for (JavaClass type : main) {
            URI file = type.getSource().orElseThrow().getUri();
            String place = file.toString().replaceFirst("org/attune/.*", "");
            places.computeIfAbsent(type.getPackageName(), _ -> new TreeSet<>()).add(place);
        }
        places.values().removeIf(modules -> modules.size() == 1);
        assertEquals(Map.of(), places, "packages in more than one module");
    }

    @Test
    void packagesHaveNoCycles() {
        check(slices().matching("org.attune.(**)").should().beFreeOfCycles());
    }

    /// All rooms are built on those named, except `run`, the front door, which may use every one.
    @Test
    void roomsOfTheTrainersUseThoseBelow() {
        var wrong = new TreeSet<String>();
        for (JavaClass user : main) {
            String from = room(user);
            if (from.isEmpty() || from.equals("run")) {
                continue;
            }
            assertTrue(TRAINERS.containsKey(from), user.getName() + " is in an unknown room");
            user.getDirectDependenciesFromSelf().stream()
                    .filter(d -> !room(d.getTargetClass()).isEmpty())
                    .filter(d -> !room(d.getTargetClass()).equals(from))
                    .filter(d -> !below(room(d.getTargetClass()), from))
                    .filter(d -> !TRAINERS.get(from).contains(room(d.getTargetClass())))
                    .forEach(d -> wrong.add(d.getDescription()));
        }
        assertEquals(Set.of(), wrong);
    }

    /// Rows as token ids, and what makes them of samples, stand below all rooms.
    private static boolean below(String used, String user) {
        return used.equals("examples") || (used.equals("prepare") && !user.equals("examples"));
    }

    /// The part of a class's package after `org.attune.trainers`, or empty.
    private static String room(JavaClass type) {
        String prefix = ROOT + "trainers.";
        String name = type.getPackageName();
        return name.startsWith(prefix) ? name.substring(prefix.length()) : "";
    }

    @Test
    void commandsThatTrainNothingKnowNoTrainer() {
        for (String command : USERS) {
            String name = "org.attune.cli." + command + "Command";
            assertTrue(main.contain(name), name);
            check(
                    noClasses()
                            .that()
                            .haveFullyQualifiedName(name)
                            .should()
                            .dependOnClassesThat()
                            .resideInAPackage("org.attune.trainers.."));
        }
    }

    /// Examples are programs, so they print; but they end by returning.
    @Test
    void onlyProgramsPrintAndOnlyTheCommandLineExits() {
        var outside = not(resideInAPackage("org.attune.cli.."));
        var library = outside.and(not(resideInAPackage("org.attune.examples..")));
        check(noClasses().that(library).should().accessField(System.class, "out"));
        check(noClasses().that(library).should().accessField(System.class, "err"));
        check(noClasses().that(outside).should().callMethod(System.class, "exit", int.class));
        check(noClasses().that(outside).should().callMethod(Runtime.class, "exit", int.class));
        check(noClasses().that(outside).should().callMethod(Runtime.class, "halt", int.class));
    }

    @Test
    void randomnessComesFromNamedStreams() {
        for (String source :
                List.of(
                        "java.util.Random",
                        "java.util.SplittableRandom",
                        "java.util.concurrent.ThreadLocalRandom",
                        "java.security.SecureRandom",
                        "java.util.random.RandomGenerator")) {
            check(noClasses().should().dependOnClassesThat().haveFullyQualifiedName(source));
        }
        check(noClasses().should().callMethod(Math.class, "random"));
    }

    @Test
    void namesSayWhatAClassIs() {
        for (String suffix : List.of("Manager", "Helper", "Utils", "Util", "Impl", "Processor")) {
            check(noClasses().should().haveSimpleNameEndingWith(suffix));
        }
    }

    /// What plays a GPU is for tests.
    @Test
    void theSimulatedGpuIsNoPartOfTheProduct() {
        check(noClasses().should().haveSimpleNameStartingWith("Simulated"));
    }

    @Test
    void onlyTensorsAndTheSandboxCallNativeCode() {
        var outside =
                not(resideInAPackage("org.attune.tensor.."))
                        .and(not(resideInAPackage("org.attune.agents.sandbox..")));
        for (String type :
                List.of(
                        "java.lang.foreign.Linker",
                        "java.lang.foreign.SymbolLookup",
                        "java.lang.foreign.FunctionDescriptor")) {
            check(
                    noClasses()
                            .that(outside)
                            .should()
                            .dependOnClassesThat()
                            .haveFullyQualifiedName(type));
        }
        check(
                noClasses()
                        .that(not(resideInAPackage("org.attune.tensor..")))
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("ai.djl.pytorch.."));
    }

    /// Readers with other settings are made of the mapper that all share, which nobody changes.
    /// Examples are programs of others, which have Jackson to themselves.
    @Test
    void jsonHasOneMapper() {
        var others =
                noClasses()
                        .that(
                                not(resideInAPackage("org.attune.json.."))
                                        .and(not(resideInAPackage("org.attune.examples.."))));
        check(others.should().callConstructor(ObjectMapper.class));
        check(others.should().callConstructor(JsonMapper.class));
        check(others.should().callMethod(JsonMapper.class, "builder"));
        var changes = Pattern.compile("(set|enable|disable|configure|register|add).*");
        check(
                others.should()
                        .callMethodWhere(
                                describe(
                                        "changes a mapper",
                                        call ->
                                                call.getTargetOwner()
                                                                .isAssignableTo(ObjectMapper.class)
                                                        && changes.matcher(call.getName())
                                                                .matches())));
    }

    /// What makes a tensor from numbers says where; from tensors, it stays where they are.
    @Test
    void tensorsAreMadeOnADevice() {
        List<JavaMethod> factories =
                main.get("org.attune.tensor.Tensor").getMethods().stream()
                        .filter(m -> m.getModifiers().contains(JavaModifier.STATIC))
                        .filter(m -> m.getModifiers().contains(JavaModifier.PUBLIC))
                        .filter(m -> m.getRawReturnType().getSimpleName().equals("Tensor"))
                        .toList();
        assertTrue(factories.size() >= 5, "only " + factories.size() + " factories were read");
        assertEquals(
                List.of(),
                factories.stream()
                        .filter(m -> !mentions(m, "Device"))
                        .filter(m -> !mentions(m, "Tensor") && !mentions(m, "NDArray"))
                        .map(m -> m.getFullName())
                        .toList(),
                "factories without a Device");
    }

    private static boolean mentions(JavaMethod method, String type) {
        return method.getParameterTypes().stream()
                .flatMap(parameter -> parameter.getAllInvolvedRawTypes().stream())
                .anyMatch(t -> t.getBaseComponentType().getSimpleName().equals(type));
    }

    @Test
    void classesAreClosedUnlessMeantToBeExtended() {
        check(
                classes()
                        .that()
                        .areTopLevelClasses()
                        .and()
                        .areNotInterfaces()
                        .and()
                        .areNotAssignableTo(Throwable.class)
                        .should(
                                new ArchCondition<>("be final, sealed, abstract or an enum") {
                                    @Override
                                    public void check(JavaClass type, ConditionEvents events) {
                                        if (!isClosed(type)) {
                                            String open = type.getName() + " is open";
                                            events.add(SimpleConditionEvent.violated(type, open));
                                        }
                                    }
                                }));
    }

    /// Only what must be is loaded: the libraries of some modules aren't here.
    private static boolean isClosed(JavaClass type) {
        return type.getModifiers().contains(JavaModifier.FINAL)
                || type.getModifiers().contains(JavaModifier.ABSTRACT)
                || type.isEnum()
                || type.reflect().isSealed();
    }

    private static void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(main);
    }
}
