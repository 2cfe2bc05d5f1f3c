package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Makes a method a tool, see [AnnotatedTools].
@Api(STABLE)
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface ToolMethod {
    /// What the tool does, for the model.
    String value();

    /// The name by which the tool is called; the method's name if empty.
    String name() default "";

    /// What the tool gives, for the model; empty tells nothing.
    String returns() default "";

    /// Seconds that a call may take.
    double timeout() default 30;

    /// Whether a call that takes longer is the model's doing: it reads so, and the episode goes on.
    /// Else the world has failed.
    boolean slownessIsTheModels() default false;

    /// Exceptions that are the model's fault beside [IllegalArgumentException]: it reads their
    /// message. All others are the world's, and the episode begins again.
    Class<? extends Exception>[] refuses() default {};
}
