"""What the browser sees: controls for every parameter of a view, the picture, links to it."""

import base64
from pathlib import Path
from urllib.parse import urlencode

from dash import ALL, ClientsideFunction, Dash, Input, Output, ctx, dcc, html, no_update

from flexae_tf import figures
from flexae_tf.errors import UserError
from flexae_tf.explore import uploads, views
from flexae_tf.explore.sources import Source

ASSETS = Path(__file__).parent / "assets"  # page.css, page.js
_NAMES = {"samples": "Samples", "edit": "Edit", "interpolate": "Interpolate"}
_ORIGINS = {"sample": "a sample", "test": "a test image", "image": "my image"}


def build(app: Dash, source: Source) -> None:
    """Gives an application its layout and its callbacks."""
    app.layout = html.Main(
        [
            dcc.Location(id="address", refresh=False),
            html.H1(source.title),
            html.Div(id="controls"),
            html.Div([html.P(id="notice", role="alert"), html.P(id="message", role="alert")]),
            html.Div(id="picture", **{"aria-live": "polite"}),
            html.P(
                [
                    html.A("Link to this view", id="link", href="/"),
                    html.A("Picture (PNG)", id="png", href="/", download="picture.png"),
                    html.A("Codes (.npy)", id="npy", href="/", download="codes.npy"),
                    html.A("Start over", href="/"),
                ],
                id="links",
            ),
        ]
    )
    _fill_from_the_address(app, source)
    _show(app, source)
    for end in ("start", "end"):
        _take_uploads(app, source, end)


def _fill_from_the_address(app, source):
    @app.callback(
        Output("controls", "children"),
        Output("notice", "children"),
        Input("address", "search"),
    )
    def fill(query: str) -> tuple:
        try:
            return _controls(views.parse(query or ""), source), ""
        except UserError as error:
            return _controls(views.View(), source), f"{error}. This is the default view instead."


def _show(app, source):
    @app.callback(
        Output("picture", "children"),
        Output("message", "children"),
        Output("link", "href"),
        Output("png", "href"),
        Output("npy", "href"),
        Input({"control": ALL}, "value"),
        prevent_initial_call=True,
    )
    def show(_: list) -> tuple:
        given = {item["id"]["control"]: item.get("value") for item in ctx.inputs_list[0]}
        if not given:
            return (no_update,) * 5
        try:
            view = views.parse(_query(given, source))
            found = views.answer(view, source)
        except UserError as error:
            return no_update, str(error), no_update, no_update, no_update
        query = view.query()
        links = f"/?{query}", f"/picture.png?{query}", f"/codes.npy?{query}"
        return _picture(view, found), "", *links

    # The kind decides which controls are to be seen; the address always names what is shown.
    app.clientside_callback(
        ClientsideFunction("page", "kind"),
        Output("controls", "className"),
        Input({"control": "view"}, "value"),
    )
    app.clientside_callback(
        ClientsideFunction("page", "remember"),
        Output("link", "title"),
        Input("link", "href"),
        prevent_initial_call=True,
    )


def _take_uploads(app, source, end):
    # In the browser: what is too large is refused before it is sent.
    app.clientside_callback(
        ClientsideFunction("page", "measure"),
        Output(f"{end}-posted", "data"),
        Output(f"{end}-refused", "children"),
        Input(f"{end}-upload", "contents"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output({"control": f"{end}_image"}, "value"),
        Output({"control": f"{end}_kind"}, "value"),
        Output(f"{end}-refused", "children", allow_duplicate=True),
        Input(f"{end}-posted", "data"),
        prevent_initial_call=True,
    )
    def read(posted: str | None) -> tuple:
        if not posted:
            return no_update, no_update, no_update
        try:
            content = base64.b64decode(posted.partition(",")[2])
            shape = views.open_model(views.View(), source).shape
            return uploads.as_link(uploads.read_image(content, shape)), "image", ""
        except UserError as error:
            return no_update, no_update, str(error)


def _controls(view, source):
    """The controls of every kind of view, set to one."""
    model = views.open_model(views.View(checkpoint=view.checkpoint, density=view.density), source)
    kinds = [{"label": label, "value": name} for name, label in _NAMES.items()]
    densities = [{"label": name, "value": name} for name in source.densities]
    density = view.density or source.densities[0]
    steps, most = view.directions, views.MOST_DIRECTION
    axes = [*view.axes, *[0.0] * views.COMPONENTS][: len(model.axes[1])]
    return [
        _radio("view", kinds, view.kind),
        *_checkpoint(view, source),
        _labelled("Density", _radio("density", densities, density)),
        html.Div(
            [
                _labelled("Seed", _number("seed", view.seed, 0, views.MOST_SEED)),
                _labelled("Images", _number("count", view.count, 1, views.MOST_IMAGES)),
                _labelled(
                    "Truncation",
                    _slider("truncation", view.truncation, 0, views.MOST_TRUNCATION, 0.05),
                ),
            ],
            className="only-samples",
        ),
        html.Div(
            [
                html.Div(_origin("start", "From", view.start, source), className="origin"),
                html.Div(
                    _origin("end", "To", view.end, source), className="origin only-interpolate"
                ),
                _labelled(
                    "Steps",
                    _slider("steps", view.steps, 2, views.MOST_STEPS, 1),
                    className="only-interpolate",
                ),
            ],
            className="only-edit only-interpolate",
        ),
        html.Div(
            [
                html.P("Along the principal directions of the codes, in standard deviations:"),
                *[
                    _labelled(
                        f"{i + 1}",
                        _slider(f"axis{i}", step, -views.MOST_AXIS, views.MOST_AXIS, 0.1),
                    )
                    for i, step in enumerate(axes)
                ],
                *[
                    _labelled(name, _slider(f"dir.{name}", steps.get(name, 0), -most, most, 0.1))
                    for name in model.directions
                ],
            ],
            className="only-edit sliders",
        ),
    ]


def _checkpoint(view, source):
    found = source.checkpoints
    if len(found) < 2:
        return []
    chosen = found.index(view.checkpoint) if view.checkpoint in found else len(found) - 1
    marks = {0: f"{found[0]:,}", len(found) - 1: f"{found[-1]:,}"}
    slider = dcc.Slider(
        0,
        len(found) - 1,
        1,
        value=chosen,
        marks=marks,
        allow_direct_input=False,
        id={"control": "checkpoint"},
    )
    return [_labelled("Checkpoint", slider)]


def _origin(end, label, origin, source):
    """Where a code comes from: a kind, a number and a place for an image."""
    kind, _, value = origin.partition(":")
    kinds = [
        {"label": text, "value": name}
        for name, text in _ORIGINS.items()
        if name != "test" or source.test_images is not None
    ]
    is_image = kind == "image"
    return [
        _labelled(label, _radio(f"{end}_kind", kinds, kind)),
        _labelled(
            "Number",
            _number(f"{end}_number", 0 if is_image else int(value), 0, views.MOST_SEED),
            "number",
        ),
        dcc.Upload("Drop an image here, or choose one", id=f"{end}-upload", className="upload"),
        dcc.Input(type="hidden", id={"control": f"{end}_image"}, value=value if is_image else ""),
        dcc.Store(id=f"{end}-posted"),
        html.P(id=f"{end}-refused", role="alert", className="refused"),
    ]


def _labelled(text, control, className=""):
    return html.Div([html.Span(text), control], className=f"control {className}")


def _radio(name, options, value):
    return dcc.RadioItems(options, value, id={"control": name}, inline=True, className="radio")


def _number(name, value, least, most):
    return dcc.Input(value, "number", min=least, max=most, step=1, id={"control": name})


def _slider(name, value, least, most, step):
    return dcc.Slider(
        least, most, step, value=value, marks=None, updatemode="drag", id={"control": name}
    )


def _picture(view, found):
    """The figures of an answer, each with its caption."""
    if view.kind != "edit":
        shown = [(found.png(), f"{len(found.images)} images", view.kind)]
    else:
        first = "Reconstruction" if found.original is not None else "Sample"
        shown = [] if found.original is None else [(_one(found.original), "Original", "edit")]
        shown += [(_one(found.images[0]), first, "edit"), (_one(found.images[1]), "Edited", "edit")]
    return [
        html.Figure(
            [html.Img(src=_data_url(picture), alt=caption), html.Figcaption(caption)],
            className=f"of-{kind}",
        )
        for picture, caption, kind in shown
    ]


def _one(image):
    return figures.png(figures.to_uint8(image))


def _data_url(picture):
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def _query(given, source):
    """The URL parameters of what the controls say."""
    fields = {name: given[name] for name in ("view", "density", "seed", "count", "steps")}
    fields["truncation"] = f"{given['truncation']:g}"
    if "checkpoint" in given:
        fields["checkpoint"] = source.checkpoints[given["checkpoint"]]
    for end in ("start", "end"):
        kind = given[f"{end}_kind"]
        value = given[f"{end}_image"] if kind == "image" else given[f"{end}_number"]
        if kind == "image" and not value:
            raise UserError("upload an image")
        fields[end] = f"{kind}:{value}"
    axes = sorted(name for name in given if name.startswith("axis"))
    fields["axes"] = ",".join(f"{given[name]:g}" for name in axes)
    fields |= {k: f"{v:g}" for k, v in given.items() if k.startswith("dir.")}
    return urlencode({key: "" if value is None else value for key, value in fields.items()})
