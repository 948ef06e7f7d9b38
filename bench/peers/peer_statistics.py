"""What the harness computes and decides: speeds, whether losses agree, medians, ratios, the table.  Needs no packages."""

import statistics

# Relative differences of mean losses that are allowed.  Adam multiplies rounding errors: two trainings whose losses agree to
# seven digits in step 10 may be 1e-3 apart after a hundred steps.
CHECK_TOLERANCE = 1e-3  # the first batches, trained on once beforehand: the same rows, weights, loss and update
FIRST_TOLERANCE = 1e-2  # epoch 1 of each sample
LAST_TOLERANCE = 1e-1  # the last epoch of each sample, and the test rows
LAST_FLOOR = 1e-2  # of epoch 1: a smaller loss is compared as if it were this, since nothing is left to learn


def samples_per_second(rows, seconds):
    """Of all epochs but the first, which warms up."""
    if len(seconds) < 2 or not sum(seconds[1:]) > 0:
        raise ValueError(f"no timed epoch in {seconds}")
    return rows * (len(seconds) - 1) / sum(seconds[1:])


def apart(what, ours, theirs, tolerance, floor=0.0):
    """What is wrong with a loss beside Kaizen's, or None.  Differences count beside at least the floor.  NaN never agrees."""
    if ours is None or theirs is None or not abs(ours - theirs) <= tolerance * (floor if floor > abs(ours) else abs(ours)):
        return f"{what} is {theirs}, Kaizen's {ours}; at most {tolerance:g} of it apart"
    return None


def disagreement(reference, answer):
    """What is wrong with an answer's losses beside the reference's, in a line, or None."""
    ours, theirs = reference["losses"], answer["losses"]
    if len(ours) != len(theirs) or not theirs:
        return f"{len(theirs)} epochs instead of {len(ours)}"
    pairs = [("loss of epoch 1", ours[0], theirs[0], FIRST_TOLERANCE),
             ("loss of the last epoch", ours[-1], theirs[-1], LAST_TOLERANCE, LAST_FLOOR * ours[0])]
    if reference["test_loss"] is not None:
        pairs.append(("loss of the test rows", reference["test_loss"], answer["test_loss"], LAST_TOLERANCE,
                      LAST_FLOOR * ours[0]))
    return next((fault for fault in (apart(*pair) for pair in pairs) if fault), None)


def summary(values):
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {"median": median, "q1": q1, "q3": q3, "min": min(values), "max": max(values), "n": len(values)}


def ratios(ours, theirs):
    """Summary of ours / theirs round by round: what slows a round down slows both."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds of one and {len(theirs)} of the other")
    return summary([a / b for a, b in zip(ours, theirs)])


def judge(tools, reference="kaizen"):
    """{tool: {check, samples, error}} -> {tool: {status, speed, ratio, ratio_of_best}}.  check is the loss of the first
    batches, a sample {answer, speed}; a tool whose losses disagree or that failed in any round gets no speed and no ratio."""
    first = tools[reference]["samples"][0]["answer"] if tools[reference]["samples"] else None
    judged = {}
    for name, tool in tools.items():
        fault = tool["error"]
        if not fault and not first:
            fault = f"nothing of {reference} to compare with"
        fault = fault or apart("loss of the first batches", tools[reference]["check"], tool["check"], CHECK_TOLERANCE)
        for sample in tool["samples"]:
            fault = fault or disagreement(first, sample["answer"])
        if fault:
            judged[name] = {"status": fault}
            continue
        speeds = [s["speed"] for s in tool["samples"]]
        judged[name] = {"status": "agrees", "speed": summary(speeds)}
    if "speed" in judged[reference]:
        ours = [s["speed"] for s in tools[reference]["samples"]]
        for name, entry in judged.items():
            if "speed" in entry and name != reference:
                theirs = [s["speed"] for s in tools[name]["samples"]]
                entry.update(ratio=ratios(ours, theirs), ratio_of_best=max(ours) / max(theirs))
    return judged


def fastest_peer(judged, reference="kaizen"):
    """The peer that Kaizen beats by least, or None."""
    peers = [name for name, entry in judged.items() if "ratio" in entry and name != reference]
    return min(peers, key=lambda name: judged[name]["ratio"]["median"], default=None)


def with_row(rows, new, names):
    """rows with a new one in place of that of the same workload and threads, in the order of names."""
    others = [r for r in rows if (r["name"], r["threads"]) != (new["name"], new["threads"])]
    return sorted([*others, new], key=lambda r: (names.index(r["name"]), r["threads"]))


def count(value):
    return f"{round(value):,}".replace(",", " ")


def spread(entry, digits=2):
    return f"{entry['median']:.{digits}f} ({entry['q1']:.{digits}f}–{entry['q3']:.{digits}f})"


def table_rows(rows, tools):
    peers = [t for t in tools if t != "kaizen"]
    yield "| Workload | Threads | Rounds | Kaizen, samples/s | " + " | ".join(peers) + " | Fastest peer |"
    yield "|---|---|---|---|" + "---|" * (len(peers) + 1)
    for row in rows:
        own, fastest = row["tools"]["kaizen"], row["fastest_peer"]
        cells = [row["name"], str(row["threads"])]
        cells += [str(own["speed"]["n"]), count(own["speed"]["median"])] if "speed" in own else ["—", "—"]
        for peer in peers:
            entry = row["tools"].get(peer, {})
            cells.append(spread(entry["ratio"]) if "ratio" in entry else "refused" if "status" in entry else "—")
        yield "| " + " | ".join(cells + [fastest or "—"]) + " |"


def markdown(result):
    """The table of a result, generated: never edited."""
    machine = result["machine"]
    yield "<!-- Made from peers.json by `make bench-peers`. Do not edit. -->"
    yield "# The same training in other tools"
    yield ""
    yield (f"{machine['cpu']}, {machine['cores']} cores, load average {result['load']['before'][0]:.1f} before and "
           f"{result['load']['after'][0]:.1f} after; {result['finished'][:10]}; Kaizen {result['build']['version']} "
           f"({str(result['build']['commit'])[:8]}, {result['isa']}), "
           + ", ".join(f"{k} {v}" for k, v in sorted(result["versions"].items())) + ".")
    yield ""
    yield ("Medians of the rounds, each sample a fresh process. Under a peer stands Kaizen's speed divided by "
           "the peer's of the same round, with quartiles: above 1 Kaizen is faster. "
           "Method: [docs/benchmarks.md](../docs/benchmarks.md).")
    yield ""
    yield from table_rows(result["workloads"], result["tools"])
    yield ""
    for name, what in result["tools"].items():
        yield f"- `{name}`: {what}"
    refused = [(r, t, e["status"]) for r in result["workloads"] for t, e in r["tools"].items() if e["status"] != "agrees"]
    if refused:
        yield ""
        yield "Refused, with no time to compare:"
        yield ""
        yield from (f"- {r['name']}, {r['threads']} threads, {t}: {why}" for r, t, why in refused)
    yield ""
    yield "| Workload | What | Rows | Batch | Epochs | Data |"
    yield "|---|---|---|---|---|---|"
    seen = {}
    for r in result["workloads"]:
        seen.setdefault(r["name"], r)
    for r in seen.values():
        yield f"| {r['name']} | {r['what']} | {count(r['rows'])} | {r['batch']} | {r['epochs']} | {r['source']} |"
    whole = [r for r in result["workloads"] if r["process"]]
    if whole:
        yield from ["", "Whole processes (`digits-process`), median seconds from start to end:", ""]
        yield "| Threads | " + " | ".join(result["tools"]) + " |"
        yield "|---|" + "---|" * len(result["tools"])
    for r in whole:
        cells = [r["tools"].get(t, {}).get("seconds") for t in result["tools"]]
        yield f"| {r['threads']} | " + " | ".join(f"{c['median']:.3f}" if c else "—" for c in cells) + " |"
