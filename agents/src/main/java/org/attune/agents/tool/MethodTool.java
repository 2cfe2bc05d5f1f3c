package org.attune.agents.tool;

import org.attune.error.ConfigException;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A tool that is a method of an object.
///
/// @param parameters in order; empty where the context goes
/// @param refuses exceptions that are the model's fault
record MethodTool(
        Object object,
        Method method,
        List<Optional<NamedArgument>> parameters,
        ToolSpec spec,
        ToolLimits limits,
        Set<Class<? extends Exception>> refuses)
        implements Tool {
    private static final double NANOS = 1e9;

    /// @throws ConfigException if the method can't be a tool
    static MethodTool of(Object object, Method method) {
        ToolMethod says = method.getAnnotation(ToolMethod.class);
        try {
            method.setAccessible(true);
            var parameters = new ArrayList<Optional<NamedArgument>>();
            for (Parameter parameter : method.getParameters()) {
                parameters.add(named(parameter));
            }
            return new MethodTool(
                    object,
                    method,
                    List.copyOf(parameters),
                    spec(method, says, parameters.stream().flatMap(Optional::stream).toList()),
                    new ToolLimits(
                            Duration.ofNanos(Math.round(says.timeout() * NANOS)),
                            says.slownessIsTheModels()),
                    Set.of(says.refuses()));
        } catch (RuntimeException e) {
            throw new ConfigException("%s: %s".formatted(method, e.getMessage()), e);
        }
    }

    private static Optional<NamedArgument> named(Parameter parameter) {
        if (parameter.getType() == ToolContext.class) {
            return Optional.empty();
        }
        Arg arg = parameter.getAnnotation(Arg.class);
        if (!parameter.isNamePresent() && (arg == null || arg.name().isEmpty())) {
            throw new IllegalArgumentException(
                    "its parameters' names are not in the class file, so a model would read %s; compile with javac -parameters, or give each an @Arg(name = …)"
                            .formatted(parameter.getName()));
        }
        try {
            return Optional.of(
                    NamedArgument.of(
                            parameter.getName(),
                            arg,
                            ArgumentType.of(parameter.getParameterizedType())));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "parameter %s: %s".formatted(parameter.getName(), e.getMessage()), e);
        }
    }

    private static ToolSpec spec(Method method, ToolMethod says, List<NamedArgument> parameters) {
        var names = parameters.stream().map(NamedArgument::name).toList();
        if (Set.copyOf(names).size() < names.size()) {
            throw new IllegalArgumentException("two parameters have one name: " + names);
        }
        var result = new LinkedHashMap<String, Object>();
        if (!says.returns().isEmpty()) {
            result.putAll(resultSchema(method));
            result.put("description", says.returns());
        }
        return new ToolSpec(
                says.name().isEmpty() ? method.getName() : says.name(),
                says.value(),
                RecordArgument.schema(parameters),
                result);
    }

    private static Map<String, Object> resultSchema(Method method) {
        try {
            return ArgumentType.of(method.getGenericReturnType()).schema();
        } catch (IllegalArgumentException e) {
            return Map.of("type", "string"); // a ToolResult, void: what is read is a text
        }
    }

    @Override
    public ToolResult call(Map<String, Object> arguments, ToolContext context) throws Exception {
        Object[] values =
                parameters.stream()
                        .map(p -> p.map(named -> named.read(arguments)).orElse(context))
                        .toArray();
        try {
            Object result = method.invoke(object, values);
            return method.getReturnType() == void.class
                    ? new ToolResult.Ok("ok")
                    : ResultText.of(result);
        } catch (InvocationTargetException e) {
            throw thrown(e.getCause());
        }
    }

    private Exception thrown(Throwable cause) {
        return switch (cause) {
            case Exception refused when refuses.stream().anyMatch(t -> t.isInstance(refused)) ->
                    new IllegalArgumentException(
                            refused.getMessage() == null
                                    ? refused.toString()
                                    : refused.getMessage(),
                            refused);
            case Exception other -> other;
            case Error error -> throw error;
            default -> new IllegalStateException(cause);
        };
    }
}
