"""Small data sets, under the names of `keras.datasets`; downloaded on first use."""

from hornbook.core import doors
from hornbook.datasets import boston_housing as boston_housing
from hornbook.datasets import california_housing as california_housing
from hornbook.datasets import cifar10 as cifar10
from hornbook.datasets import cifar100 as cifar100
from hornbook.datasets import fashion_mnist as fashion_mnist
from hornbook.datasets import imdb as imdb
from hornbook.datasets import mnist as mnist
from hornbook.datasets import reuters as reuters

doors.publish(globals())
