package org.attune.reports.page;

/// A part of the page under a heading.
///
/// @param id its place in links
/// @param title its heading
/// @param body what follows the heading; empty: the section is left out
record Section(String id, String title, Html body) {}
