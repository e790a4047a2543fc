"""California housing: a network at the end of a scikit-learn pipeline, against a linear model."""

import numpy as np
from data import find

import hornbook as keras
from hornbook import layers

try:
    import pandas as pd
    from sklearn.compose import (
        TransformedTargetRegressor,
        make_column_selector,
        make_column_transformer,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import root_mean_squared_error
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from hornbook.wrappers import SKLearnRegressor
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}: pip install 'hornbook[pandas,sklearn]'") from None


def network(x: np.ndarray, y: np.ndarray) -> keras.Model:
    """Two hidden layers on scaled features."""
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(2e-3), "mse")
    return model


def pipeline(regressor) -> TransformedTargetRegressor:
    """Impute and scale numbers, one-hot encode the text column, scale the target."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["ocean_proximity"]),
    )
    steps = make_pipeline(columns, regressor)
    return TransformedTargetRegressor(steps, transformer=StandardScaler())


def main(rows: int | None = None, epochs: int = 40) -> dict[str, float]:
    """Train both and return their test errors in dollars."""
    table = pd.read_csv(find("housing.csv"), nrows=rows)
    for what in ("total_rooms", "total_bedrooms", "population"):
        table[f"{what}_per_household"] = table[what] / table["households"]
    prices = table.pop("median_house_value")
    train_x, test_x, train_y, test_y = train_test_split(table, prices, random_state=0)
    keras.utils.set_random_seed(0)
    net = SKLearnRegressor(network, fit_kwargs={"epochs": epochs})
    errors = {}
    for name, regressor in (("linear regression", LinearRegression()), ("network", net)):
        model = pipeline(regressor).fit(train_x, train_y)
        errors[name] = float(root_mean_squared_error(test_y, model.predict(test_x)))
        print(f"{name}: test RMSE {errors[name]:,.0f} dollars")
    return errors


if __name__ == "__main__":
    main()
