package org.attune.records;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Generates an interface with the copy methods of a record, which the record implements.
///
/// A record `Point` gets `PointCopies` in its package. It has `withX(value)` for each component
/// `x`: a copy with another value there. Optional components take the value itself. A component
/// that has copy methods too is changed by `withX(x -> x.withY(1))`. `PointCopies.blank()` has
/// zeros, nulls and empty collections, and `defaults()` of components that have them.
///
/// A method that the record declares itself takes precedence, as for every interface.
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.SOURCE)
public @interface CopyMethods {}
